package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// The pause before a broken event stream is opened again, doubling each time.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	maxEvent   = 1 << 20          // bytes of one line of an event stream
	maxSilence = 45 * time.Second // of an event stream: nodes send a sign of life every 15 s
)

// errStop ends Follow from within without being an error.
var errStop = errors.New("stop following")

// Follow calls f with each change of one document, or of all when id is empty,
// until ctx ends or f gives an error, which Follow returns. A broken connection
// is opened again. Changes during a break are lost; so that nothing is missed,
// f is called with an Event without ID each time the stream (re)opens: look at
// the current state then.
func (c *Client) Follow(ctx context.Context, id doc.ID, f func(doc.Event) error) error {
	pause := firstPause
	for {
		opened := false
		err := c.follow(ctx, id, func(e doc.Event) error {
			opened = true
			return f(e)
		})
		var stop *stopped
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && doc.CodeOf(err) != doc.Unavailable && doc.CodeOf(err) != doc.Internal:
			return err // refused: trying again does not help
		}
		if opened {
			pause = firstPause
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// stopped carries the error with which a callback ended the stream.
type stopped struct{ err error }

// Error implements error.
func (s *stopped) Error() string { return "stopped: " + s.err.Error() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// follow reads one event stream to its end.
func (c *Client) follow(ctx context.Context, id doc.ID, f func(doc.Event) error) error {
	q := url.Values{}
	if id != "" {
		q.Set("id", string(id))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := c.open(ctx, request{method: http.MethodGet, path: prefix + "/events", query: q})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	at := c.at.Load()
	silent := time.AfterFunc(maxSilence, func() {
		c.at.CompareAndSwap(at, (at+1)%int32(len(c.bases))) // the next one may do better
		cancel()
	})
	defer silent.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	var kind, data string
	for lines.Scan() {
		silent.Reset(maxSilence)
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "event":
			kind = value
		case name == "data":
			data += value
		case lines.Text() == "" && kind != "":
			if err := deliver(kind, data, f); err != nil {
				return err
			}
			kind, data = "", ""
		}
	}
	if err := lines.Err(); err != nil {
		return &doc.Error{Code: doc.Unavailable, Message: "the event stream broke", Err: err}
	}
	return &doc.Error{Code: doc.Unavailable, Message: "the event stream ended", Err: io.EOF}
}

func deliver(kind, data string, f func(doc.Event) error) error {
	var e doc.Event
	switch kind {
	case "hello":
	case "revision", "progress":
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("decode event: %w", err)
		}
	default:
		return nil // of a newer node
	}
	if err := f(e); err != nil {
		return &stopped{err}
	}
	return nil
}

// Wait gives the record of a document once it is settled. progress, which may be
// nil, is told of what happens meanwhile. Among several members one may not have
// heard yet of a document that another took and could not pass on: it is given a
// moment to.
func (c *Client) Wait(ctx context.Context, id doc.ID, progress func(doc.Event)) (doc.Record, error) {
	until := time.Now().Add(maxSilence)
	for {
		rec, err := c.wait(ctx, id, progress)
		if len(c.bases) == 1 || doc.CodeOf(err) != doc.NotFound || time.Now().After(until) {
			return rec, err
		}
		if err := sleep(ctx, maxPause/5); err != nil {
			return doc.Record{}, err
		}
	}
}

func (c *Client) wait(ctx context.Context, id doc.ID, progress func(doc.Event)) (doc.Record, error) {
	var rec doc.Record
	err := c.Follow(ctx, id, func(e doc.Event) error {
		if e.Stage != "" || (e.ID != "" && !e.State.Settled()) {
			if progress != nil {
				progress(e)
			}
			return nil
		}
		var err error
		if rec, err = c.Get(ctx, id); err != nil {
			return err
		}
		if rec.State.Settled() {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return rec, nil
	}
	return doc.Record{}, err
}
