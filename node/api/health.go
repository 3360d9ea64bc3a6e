package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"github.com/recto-edge/recto/node/auth"
)

func (s *Server) healthRoutes() []route {
	rs := []route{
		{method: "GET", path: "/healthz", perm: auth.Public, handler: s.healthz, summary: "the process answers", answer: Health{}},
		{method: "GET", path: "/readyz", perm: auth.Public, handler: s.readyz, summary: "503 names what is missing", answer: Health{}},
	}
	if s.cfg.Metrics != nil {
		rs = append(rs, route{
			method: "GET", path: "/metrics", perm: auth.StatusRead, handler: s.metrics(), summary: "Prometheus metrics", media: "text/plain",
		})
	}
	return rs
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status  string   `json:"status"` // ok, or not ready
	Missing []string `json:"missing,omitempty"`
}

func (s *Server) healthz(c *call) error { return c.JSON(Health{Status: "ok"}) }

func (s *Server) readyz(c *call) error {
	if missing := s.ports.Status.Missing(); len(missing) > 0 {
		return c.Status(fiber.StatusServiceUnavailable).JSON(Health{Status: "not ready", Missing: missing})
	}
	return c.JSON(Health{Status: "ok"})
}

func (s *Server) metrics() handler {
	h := adaptor.HTTPHandler(s.cfg.Metrics)
	return func(c *call) error { return h(c.Ctx) }
}
