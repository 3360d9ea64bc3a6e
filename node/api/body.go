package api

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/doc"
)

// errTruncated is what reading a body gives when the sender stopped before the
// end. Without it half an upload would look like a whole one: fasthttp reports a
// lost connection as the end of the body.
var errTruncated = &doc.Error{
	Code: doc.Invalid, Detail: "truncated",
	Message: "the upload ended before its end: nothing of it was accepted, send it again",
}

var errStalled = &doc.Error{
	Code: doc.Invalid, Detail: "stalled",
	Message: "the upload came too slowly and was given up: nothing of it was accepted, send it again",
}

// body reads a request's body as it arrives. It bounds stalls and slowness,
// tells a whole body from a truncated one, and stays at its end once there,
// since reading on would eat the next request.
type body struct {
	src     io.Reader // nil: no body
	conn    net.Conn
	size    int64 // bytes; -1 when the sender did not say
	read    int64
	start   time.Time
	stall   time.Duration
	minRate int64
	err     error // what every further Read gives
}

func (s *Server) newBody(c *fiber.Ctx) *body {
	req := c.Request()
	b := &body{
		src: req.BodyStream(), conn: c.Context().Conn(), size: int64(req.Header.ContentLength()),
		start: time.Now(), stall: s.cfg.Stall, minRate: s.cfg.MinRate,
	}
	if b.src == nil {
		b.size, b.err = 0, io.EOF
	}
	if b.size < 0 {
		b.size = -1
	}
	return b
}

// grace is how long an upload may stay below the minimum rate.
const grace = 30 * time.Second

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	by := time.Now().Add(b.stall)
	slowest := b.start.Add(grace + b.stall + time.Duration(b.read/b.minRate)*time.Second)
	if slowest.Before(by) {
		by = slowest
	}
	if err := b.conn.SetReadDeadline(by); err != nil {
		b.err = errTruncated
		return 0, b.err
	}
	n, err := b.src.Read(p)
	b.read += int64(n)
	switch {
	case err == nil && b.size >= 0 && b.read >= b.size:
		err = io.EOF
	case err == nil:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errStalled
	case err != io.EOF:
		err = &doc.Error{Code: errTruncated.Code, Detail: errTruncated.Detail, Message: errTruncated.Message, Err: err}
	case b.size >= 0 && b.read < b.size, b.size < 0 && b.cut():
		err = errTruncated
	}
	b.err = err
	return n, err
}

// cut says whether the connection ended instead of the body: a body of unknown
// size says itself where it ends, so nothing more needs to be received for that.
func (b *body) cut() bool {
	raw := rawConn(b.conn)
	return raw == nil || raw.ended.Load()
}

// leftover bounds what is read of a body nobody wanted, to keep the connection.
const leftover = 256 << 10

// finish reads the little that is left of the body. When more is left, the
// connection must be closed, or the rest would be taken for the next request.
func (b *body) finish() (clean bool) {
	if b.err == nil {
		b.stall = min(b.stall, time.Second)
		_, _ = io.CopyN(io.Discard, b, leftover)
	}
	if b.err == io.EOF {
		return true
	}
	if raw := rawConn(b.conn); raw != nil {
		raw.unread.Store(true)
	}
	return false
}

// small reads a body of at most limit bytes.
func (b *body) small(limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(b, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, doc.Errorf(doc.TooLarge, "the request's body is larger than %d bytes", limit)
	}
	return raw, nil
}
