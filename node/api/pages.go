package api

// pageRoutes are the pages for people and their static files. Each is a line of
// the same table as the rest: page true gives errors as pages and sends who is
// not signed in to /login. What they need is there: s.static(fs) serves files,
// c.values() reads a form, s.receive(c) takes uploaded files, c.enter(session)
// and c.signOut() set the cookie.
func (s *Server) pageRoutes() []route { return nil }

// pageFailure renders an error for a person.
func (s *Server) pageFailure(c *call, f failure) error { return f.write(c.Ctx) }
