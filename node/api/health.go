package api

import (
	"bytes"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
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
	Status  string   `json:"status"` // ok, not ready, or why others are to be asked instead: draining, leaving, removed
	Missing []string `json:"missing,omitempty"`
}

func (s *Server) healthz(c *call) error { return c.JSON(Health{Status: "ok"}) }

// readyz tells a load balancer whether to send anybody here: not to a member that
// has no part in the cluster's work any more, even while it still answers.
func (s *Server) readyz(c *call) error {
	if s.ports.Member != nil {
		switch standing := s.ports.Member.Standing(); standing {
		case doc.MemberDraining, doc.MemberLeaving, doc.MemberRemoved:
			h := Health{Status: string(standing), Missing: append([]string{"this member is " + string(standing)}, s.ports.Status.Missing()...)}
			return c.Status(fiber.StatusServiceUnavailable).JSON(h)
		}
	}
	if missing := s.ports.Status.Missing(); len(missing) > 0 {
		return c.Status(fiber.StatusServiceUnavailable).JSON(Health{Status: "not ready", Missing: missing})
	}
	return c.JSON(Health{Status: "ok"})
}

// metrics asks the node's handler, which speaks net/http. It gets the headers
// that decide the form of its answer, and no body.
func (s *Server) metrics() handler {
	return func(c *call) error {
		req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.route.path, nil)
		if err != nil {
			return err
		}
		req.Header.Set(fiber.HeaderAccept, c.Get(fiber.HeaderAccept))
		out := &collected{header: http.Header{}, status: http.StatusOK}
		s.cfg.Metrics.ServeHTTP(out, req)
		c.Set(fiber.HeaderContentType, out.header.Get(fiber.HeaderContentType))
		return c.Status(out.status).Send(out.body.Bytes())
	}
}

// collected is an http.ResponseWriter that keeps the answer.
type collected struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *collected) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *collected) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *collected) Write(p []byte) (int, error) { return w.body.Write(p) }
