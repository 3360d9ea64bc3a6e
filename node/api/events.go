package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

func (s *Server) statusRoutes() []route {
	rs := []route{
		{
			method: "GET", path: prefix + "/events", perm: auth.Read, handler: s.events, long: true, media: "text/event-stream",
			summary: "changes as they happen: events revision and progress, after one hello",
			params:  []param{query("id", "of one document only", pathParams["id"].schema)},
		},
		{method: "GET", path: prefix + "/overview", perm: auth.StatusRead, handler: s.overview, summary: "counts of documents", answer: doc.Overview{}},
		{method: "GET", path: prefix + "/status", perm: auth.StatusRead, handler: s.status, summary: "the node: versions, engines, limits", answer: NodeStatus{}},
		{method: "GET", path: prefix + "/openapi.json", perm: auth.Public, handler: s.openapi, summary: "this description", media: fiber.MIMEApplicationJSON},
	}
	return rs
}

// events streams changes. A client that comes back after a break gets no
// replay: hello tells it to look at the current state, which is all it missed.
func (s *Server) events(c *call) error {
	ctx, cancel := context.WithCancel(s.open)
	ch, err := s.ports.Events.Subscribe(ctx, doc.ID(c.Query("id")))
	if err != nil {
		cancel()
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no") // proxies must not collect events
	if c.Method() == fiber.MethodHead {
		cancel()
		return nil
	}
	f := &feed{events: ch, still: c.still, beat: s.cfg.Heartbeat}
	id, log := c.id, s.log
	s.streams.Add(1)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { // runs on after this handler: uses nothing of c
		defer s.streams.Done()
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				log.Error("event stream panicked", slog.String("request_id", id), slog.Any("panic", p))
			}
		}()
		f.run(ctx, w)
	})
	return nil
}

// feed writes one event stream.
type feed struct {
	events <-chan doc.Event
	still  func() bool
	beat   time.Duration
}

// recheck is how long credentials are believed between two events.
const recheck = time.Second

// run writes until the subscription ends, the client is gone, or the
// credentials do not hold any more.
func (f *feed) run(ctx context.Context, w *bufio.Writer) {
	tick := time.NewTicker(f.beat)
	defer tick.Stop()
	if _, err := fmt.Fprint(w, "retry: 2000\nevent: hello\ndata: {}\n\n"); err != nil || w.Flush() != nil {
		return
	}
	checked := time.Now()
	for {
		text := []byte(": beat\n\n")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			checked = time.Time{}
		case e, ok := <-f.events:
			if !ok {
				return
			}
			text = encodeEvent(e)
		}
		if time.Since(checked) >= recheck {
			if !f.still() {
				return
			}
			checked = time.Now()
		}
		if _, err := w.Write(text); err != nil || w.Flush() != nil {
			return
		}
	}
}

func encodeEvent(e doc.Event) []byte {
	kind := "revision"
	if e.Stage != "" {
		kind = "progress"
	}
	data, err := json.Marshal(e)
	if err != nil {
		panic("api: an event does not marshal: " + err.Error()) // plain strings and numbers always do
	}
	return fmt.Appendf(nil, "id: %s-%d\nevent: %s\ndata: %s\n\n", e.ID, e.Revision, kind, data)
}

func (s *Server) overview(c *call) error {
	o, err := s.ports.Status.Overview(c.ctx)
	if err != nil {
		return err
	}
	return c.JSON(o)
}

func (s *Server) status(c *call) error {
	st, err := s.nodeStatus(c)
	if err != nil {
		return err
	}
	return c.JSON(st)
}

func (s *Server) nodeStatus(c *call) (NodeStatus, error) {
	st, err := s.ports.Status.Status(c.ctx)
	if s.ports.Member != nil {
		st.Standing = s.ports.Member.Standing()
	}
	return st, err
}

func (s *Server) openapi(c *call) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(s.json)
}
