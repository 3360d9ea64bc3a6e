package api

// pageRoutes are the pages for people and their static files. Each is a line of
// the same table as the rest: page true gives errors as pages and sends who is
// not signed in to /login; static files are served by s.static(fs).
func (s *Server) pageRoutes() []route { return nil }

// pageFailure renders an error for a person.
func (s *Server) pageFailure(c *call, f failure) error { return f.write(c.Ctx) }
