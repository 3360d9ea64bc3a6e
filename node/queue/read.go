package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// A message is asked for in two ways. Any copy answers a direct question, also one
// that lags behind or has lost something: its answer is a hint that a later step
// proves, such as an append that expects it. The leader of the stream answers the
// other way: nothing that says "no" or "not any more" is believed from anybody else.

// errNone says that no message matches.
var errNone = errors.New("no such message")

type getRequest struct {
	Seq  uint64 `json:"seq,omitempty"`
	Next string `json:"next_by_subj,omitempty"` // the first at or after Seq
	Last string `json:"last_by_subj,omitempty"`
}

// hint asks any copy for one message of a stream.
func (q *Queue) hint(ctx context.Context, stream string, request getRequest) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return entry{}, fmt.Errorf("encode request: %w", err)
	}
	m, err := q.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+stream, body)
	if err != nil {
		return entry{}, unavailable(err)
	}
	switch m.Header.Get("Status") {
	case "":
		return entryOf(m)
	case "404":
		return entry{}, errNone
	}
	return entry{}, unavailable(fmt.Errorf("get message: %s %s", m.Header.Get("Status"), m.Header.Get("Description")))
}

// get asks the leader for one message of a stream.
func (q *Queue) get(ctx context.Context, stream string, request getRequest) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	var answer struct {
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Headers []byte `json:"hdrs"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	err := ask(ctx, q.nc, "$JS.API.STREAM.MSG.GET."+stream, request, &answer)
	var refused *apiError
	if errors.As(err, &refused) {
		if refused.ErrCode == jetstream.JSErrCodeMessageNotFound {
			return entry{}, errNone
		}
		return entry{}, unavailable(refused)
	}
	if err != nil {
		return entry{}, err
	}
	m := answer.Message
	e := entry{seq: m.Seq, subject: m.Subject, body: m.Data}
	if len(m.Headers) > 0 {
		header, err := nats.DecodeHeadersMsg(m.Headers)
		if err != nil {
			return entry{}, fmt.Errorf("read headers at sequence %d: %w", m.Seq, err)
		}
		if revision := header.Get(headerRevision); revision != "" {
			if e.revision, err = strconv.ParseUint(revision, 10, 64); err != nil {
				return entry{}, fmt.Errorf("read revision at sequence %d: %w", m.Seq, err)
			}
		}
	}
	return e, nil
}

// last gives the last revision of a document, or errNone.
func (q *Queue) last(ctx context.Context, id doc.ID) (entry, error) {
	return q.get(ctx, logStream, getRequest{Last: ofDocument(id)})
}

// lastWhere gives the last revision of a document: what any copy says if that
// satisfies good, and what the leader says otherwise.
func (q *Queue) lastWhere(ctx context.Context, id doc.ID, good func(entry) bool) (entry, error) {
	e, err := q.hint(ctx, logStream, getRequest{Last: ofDocument(id)})
	if err == nil && good(e) {
		return e, nil
	}
	return q.last(ctx, id)
}

// next gives the first revision of a document at or after seq, or errNone.
func (q *Queue) next(ctx context.Context, id doc.ID, seq uint64) (entry, error) {
	return q.get(ctx, logStream, getRequest{Seq: seq, Next: ofDocument(id)})
}

// Latest gives the last revision of a document and its sequence, or NotFound, as
// the leader of the log knows it.
func (q *Queue) Latest(ctx context.Context, id doc.ID) (doc.Record, uint64, error) {
	if !id.Valid() {
		return doc.Record{}, 0, doc.Errorf(doc.NotFound, "there is no document %q", id)
	}
	e, err := q.last(ctx, id)
	if err != nil && !errors.Is(err, errNone) {
		return doc.Record{}, 0, fmt.Errorf("latest of %s: %w", id, err)
	}
	s, stateErr := q.stateOf(ctx, id)
	switch {
	case stateErr != nil:
		return doc.Record{}, 0, fmt.Errorf("latest of %s: %w", id, stateErr)
	case err != nil && s.messages() > 0:
		return doc.Record{}, 0, fmt.Errorf("latest of %s: %w", id, unavailable(errStale))
	case err != nil:
		return doc.Record{}, 0, doc.Errorf(doc.NotFound, "there is no document %s", id)
	}
	rec, err := e.record()
	return rec, e.seq, err
}

// Revisions calls fn with the revisions of a document that the leader of the log
// has, oldest first.
func (q *Queue) Revisions(ctx context.Context, id doc.ID, fn func(seq uint64, rec doc.Record) error) error {
	for seq := uint64(1); ; {
		e, err := q.next(ctx, id, seq)
		if errors.Is(err, errNone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("revisions of %s: %w", id, err)
		}
		rec, err := e.record()
		if err == nil {
			err = fn(e.seq, rec)
		}
		if err != nil {
			return err
		}
		seq = e.seq + 1
	}
}

// errStale says that a leader that is none any more has answered.
var errStale = errors.New("the log changes hands")

// find gives the sequence of a revision that was refused, if the log holds the same
// bytes, or a Conflict. The leader refuses a revision also because of another that
// has not reached the other copies yet; what becomes of that one is waited for.
//
// Without refused the revision was not sent; then errAgain says that its turn has come.
func (q *Queue) find(ctx context.Context, id doc.ID, revision uint64, body []byte, refused bool) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	for {
		found, before, err := q.revision(ctx, id, revision)
		switch {
		case err != nil:
			return 0, err
		case found.seq > 0 && bytes.Equal(found.body, body):
			return found.seq, nil
		case found.seq > 0:
			return 0, doc.Errorf(doc.Conflict, "document %s has another revision %d: look again and repeat", id, revision)
		case len(before) > 0 && before[len(before)-1] == revision-1 || len(before) == 0 && revision == 1:
			if !refused {
				return 0, errAgain
			}
		default:
			s, err := q.stateOf(ctx, id)
			if err != nil {
				return 0, err
			}
			if s.messages() == len(before) {
				return 0, doc.Errorf(doc.Conflict, "revision %d of document %s has no predecessor in the log", revision, id)
			}
		}
		if !pause(ctx, findAgain) {
			return 0, unavailable(fmt.Errorf("revision %d of document %s is neither in the log nor refused for good: %w", revision, id, context.Cause(ctx)))
		}
	}
}

const findAgain = 20 * time.Millisecond

var errAgain = errors.New("the predecessor has just arrived")

// revision looks for one revision of a document. Without it, before are the numbers
// that the log has.
func (q *Queue) revision(ctx context.Context, id doc.ID, revision uint64) (found entry, before []uint64, err error) {
	for seq := uint64(1); ; {
		e, err := q.next(ctx, id, seq)
		if errors.Is(err, errNone) {
			return entry{}, before, nil
		}
		if err != nil || e.revision == revision {
			return e, before, err
		}
		before = append(before, e.revision)
		seq = e.seq + 1
	}
}

// heardOf is how long ago a follower that answers each second may have been heard
// of to count as alive.
const heardOf = 3 * time.Second

// state gives the state of the log as its leader knows it. A leader that was cut off
// from the others does not know that it is none any more, and may answer for ten
// seconds; so a leader without a majority is Unavailable.
func (q *Queue) state(ctx context.Context) (streamAnswer, error) {
	return q.askState(ctx, struct{}{})
}

// stateOf is state with the number of one document's revisions. Two questions may be
// answered by two leaders while the log changes hands, and this is one.
func (q *Queue) stateOf(ctx context.Context, id doc.ID) (streamAnswer, error) {
	return q.askState(ctx, map[string]string{"subjects_filter": ofDocument(id)})
}

func (q *Queue) askState(ctx context.Context, request any) (streamAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	var s streamAnswer
	if err := ask(ctx, q.nc, "$JS.API.STREAM.INFO."+logStream, request, &s); err != nil {
		return s, unavailable(err)
	}
	copies, alive := 1, 1
	for _, r := range s.Cluster.Replicas {
		copies++
		if !r.Offline && r.Active < heardOf {
			alive++
		}
	}
	if s.Cluster.Leader == "" || alive <= copies/2 {
		return s, unavailable(fmt.Errorf("the log has no majority: %d of %d copies are alive", alive, copies))
	}
	return s, nil
}

// Bounds gives the first and last sequence in the log; last is 0 for a log that
// never held anything.
func (q *Queue) Bounds(ctx context.Context) (first, last uint64, err error) {
	s, err := q.state(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of the log: %w", err)
	}
	return s.State.First, s.State.Last, nil
}

// Gaps counts messages missing between the first and the last, which were erased or
// lost.
func (q *Queue) Gaps(ctx context.Context) (uint64, error) {
	s, err := q.state(ctx)
	if err != nil {
		return 0, fmt.Errorf("gaps in the log: %w", err)
	}
	if s.State.Last < s.State.First || s.State.Messages == 0 {
		return 0, nil
	}
	return s.State.Last - s.State.First + 1 - s.State.Messages, nil
}
