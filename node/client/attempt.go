package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// open sends a request and gives the answer when it is no error; the caller
// closes its body. With several addresses it begins with the one that worked
// last and goes on to the next when a member cannot be reached at all and, with
// requests that may be repeated, also when it broke off, was silent, or said that
// it cannot answer now.
func (c *Client) open(ctx context.Context, r request) (*http.Response, error) {
	first := int(c.at.Load())
	var failed []error
	for i := range c.bases {
		at := (first + i) % len(c.bases)
		res, sent, err := c.attempt(ctx, r, at, i < len(c.bases)-1)
		if err == nil || doc.CodeOf(err) != doc.Unavailable {
			c.at.Store(int32(at)) // it answers
			return res, err
		}
		failed = append(failed, err)
		if ctx.Err() != nil || throttled(err) || (sent && !r.repeatable()) {
			return nil, err
		}
	}
	return nil, nobody(failed)
}

// nobody makes one error of those of all members: what one of them said itself,
// or why none was reached.
func nobody(failed []error) error {
	if len(failed) == 1 {
		return failed[0]
	}
	var texts []string
	for _, err := range failed {
		var a *Answer
		if errors.As(err, &a) {
			return err
		}
		texts = append(texts, err.Error())
	}
	return &doc.Error{Code: doc.Unavailable, Message: strings.Join(texts, "; ")}
}

// repeatable says whether sending r twice does what sending it once does.
func (r request) repeatable() bool {
	return r.method == http.MethodGet || r.method == http.MethodHead || r.again && !r.once
}

func throttled(err error) bool {
	var a *Answer
	return errors.As(err, &a) && a.Status == http.StatusTooManyRequests
}

// errSilent is why an attempt is given up for the next member.
var errSilent = errors.New("it does not answer in time")

// attempt sends r to one member. sent says whether the member may have begun to
// act on it. With more to ask, a member that is silent for long is given up.
func (c *Client) attempt(ctx context.Context, r request, at int, more bool) (res *http.Response, sent bool, err error) {
	inner, cancel := context.WithCancelCause(ctx)
	patience := c.patience.read
	if r.body != nil {
		patience = c.patience.write
	}
	w := &watch{patience: patience, cancel: cancel, tell: r.tell}
	if more && r.repeatable() {
		w.start()
	}
	defer func() {
		w.stop()
		if err != nil {
			cancel(nil)
		}
	}()
	var reached atomic.Bool
	inner = httptrace.WithClientTrace(inner, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }})
	req, err := c.request(inner, r, at, w)
	if err != nil {
		return nil, false, err
	}
	res, err = c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, true, fmt.Errorf("%s %s: %w", r.method, r.path, context.Cause(ctx))
		}
		if errors.Is(context.Cause(inner), errSilent) {
			err = errSilent
		}
		return nil, reached.Load(), &doc.Error{Code: doc.Unavailable, Message: "cannot reach the node at " + c.bases[at].Host + ": " + reason(err), Err: err}
	}
	c.keep(res)
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, true, failure(res)
	}
	res.Body = &answerBody{res.Body, cancel}
	return res, true, nil
}

// answerBody ends its attempt when it is closed.
type answerBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// watch gives an attempt up when nothing happens for long, and counts its body.
type watch struct {
	patience time.Duration
	cancel   context.CancelCauseFunc
	tell     func(sent int64) // may be nil

	mu    sync.Mutex
	timer *time.Timer // nil: gives nothing up
	sent  int64
	over  bool
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.patience, func() { w.cancel(errSilent) })
}

// moved says that n bytes of the body were taken.
func (w *watch) moved(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return // of an attempt that was given up: the next one counts
	}
	if w.timer != nil {
		w.timer.Reset(w.patience)
	}
	w.sent += int64(n)
	if w.tell != nil && n > 0 {
		w.tell(w.sent)
	}
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// watched is a request's body on its way. It hides what it reads from, which the
// transport would close: the next attempt may need it.
type watched struct {
	src io.Reader
	w   *watch
}

// Read implements io.Reader.
func (b watched) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.w.moved(n)
	return n, err
}
