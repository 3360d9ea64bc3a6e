package api

import (
	"context"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// route is one line of the table: everything there is to know about one method
// of one path. What is not in the table does not exist.
type route struct {
	method  string
	path    string          // in Fiber's form: /api/v1/documents/:id
	perm    auth.Permission // what the caller's role must allow; never empty
	handler handler
	action  string // of a write, for the audit trail: document.submit; "" for reads

	summary string
	params  []param // of the query, and path parameters that differ from pathParams
	body    any     // a zero value of the JSON body; nil: none
	noBody  bool    // with body: may be left out
	upload  string  // description of a body the handler streams itself; "" otherwise
	answer  any     // a zero value of the JSON answer; nil: see media
	media   string  // content type of an answer that is not JSON
	status  int     // of success; 0 means 200

	long bool // streams or waits: not bound by Config.Handle
	page bool // for people: errors are pages, and who is not signed in is sent to /login
}

// handler parses, calls one method of a port, and renders.
type handler func(c *call) error

// call is one request on its way through its route.
type call struct {
	*fiber.Ctx
	s       *Server
	route   *route
	ctx     context.Context // ends with the request or, for long routes, with the server
	id      string          // names the request in answers and logs
	who     auth.Principal
	session *auth.Session // of a signed-in person, else nil
	in      *body         // the only way to the request's body
	behind  doc.Position  // what the sender has seen elsewhere and this member may lack
	input   any           // the decoded JSON body: a pointer to the type of route.body
	still   func() bool   // says whether the credentials still hold, for streams
}

// param is one parameter of a route.
type param struct {
	name, in, about string
	schema          *openapi3.Schema
	required        bool
}

func query(name, about string, schema *openapi3.Schema) param {
	return param{name: name, in: openapi3.ParameterInQuery, about: about, schema: schema}
}

const prefix = "/api/v1"

// routes is the whole table, in the order in which Fiber tries them.
func (s *Server) routes() []route {
	return slices.Concat(
		s.healthRoutes(),
		s.documentRoutes(),
		s.reviewRoutes(),
		s.typeRoutes(),
		s.modelRoutes(),
		s.accountRoutes(),
		s.userRoutes(),
		s.keyRoutes(),
		s.statusRoutes(),
		s.clusterRoutes(),
		s.maintenanceRoutes(),
		s.pageRoutes(),
	)
}

// register hands a route to Fiber. GET answers HEAD too.
func (s *Server) register(r route) {
	if r.perm == "" || r.handler == nil {
		panic("api: route " + r.method + " " + r.path + " has no permission or no handler")
	}
	h := s.handle(&r)
	s.app.Add(r.method, r.path, h)
	if r.method == fiber.MethodGet {
		s.app.Add(fiber.MethodHead, r.path, h)
	}
}
