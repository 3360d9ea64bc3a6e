package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// ErrStopped is the cause of a handler's cancelled context when the queue stops.
// A job that ends for it goes back without losing an attempt.
var ErrStopped = errors.New("the queue stops")

// ErrCut says that the log ends before the sequence asked for: it was cut or
// replaced, and what was derived from it has to be derived anew.
var ErrCut = errors.New("the log was cut")

type snooze struct{ d time.Duration }

func (s snooze) Error() string { return fmt.Sprintf("snoozed for %s", s.d) }

// Snooze is a handler's answer "not now": the job comes back after d, and the
// attempt does not count.
func Snooze(d time.Duration) error { return snooze{d} }

type cancelled struct{ err error }

func (c cancelled) Error() string { return "cancelled: " + c.err.Error() }
func (c cancelled) Unwrap() error { return c.err }

// Cancel is a handler's answer "never again": the job is not delivered any more.
// The handler has brought the document to a state that says why.
func Cancel(err error) error { return cancelled{err} }

// PanicError is what a handler's panic becomes.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// unavailable gives err the code that it deserves: what has one keeps it, and
// everything else is a broker that cannot be asked.
func unavailable(err error) error {
	var coded *doc.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return &doc.Error{Code: doc.Unavailable, Message: "the document log does not answer; try again", Err: err}
}

// apiError is an error in an answer of the broker.
type apiError struct {
	Code        int                 `json:"code"`
	ErrCode     jetstream.ErrorCode `json:"err_code"`
	Description string              `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("broker: %s (%d)", e.Description, e.ErrCode)
}

// Error numbers that nats.go has no name for.
const (
	errInsufficientResources jetstream.ErrorCode = 10023
	errAccountResources      jetstream.ErrorCode = 10002
	errStorageResources      jetstream.ErrorCode = 10047
	errStoreFailed           jetstream.ErrorCode = 10077 // with DiscardNew: maximum bytes exceeded
)

// coded turns the broker's error into the user's, or leaves a lost race as it is.
func (e *apiError) coded() error {
	switch e.ErrCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return e
	case errInsufficientResources, errAccountResources, errStorageResources, errStoreFailed:
		return &doc.Error{Code: doc.Full, Message: "no room left in the document log", Err: e}
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return &doc.Error{Code: doc.TooLarge, Message: "the document's record is too large for the log", Err: e}
	}
	return unavailable(e)
}

// lostRace says whether err is the broker's refusal of a revision because the
// document's last one is not the expected one.
func lostRace(err error) bool {
	var e *apiError
	return errors.As(err, &e) && (e.ErrCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		e.ErrCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// resend is how soon a message that was not answered is sent again: one that
// arrives while the stream changes hands is dropped.
const resend = 400 * time.Millisecond

// request sends m and waits for the answer of its stream, through elections if need
// be. It may arrive twice, so m is such that the second arrival changes nothing, or
// is refused as a lost race.
func (q *Queue) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	for wait := resend; ; wait = 2 * resend {
		try, cancel := context.WithTimeout(ctx, wait)
		reply, err := q.nc.RequestMsgWithContext(try, m)
		cancel()
		switch {
		case err == nil:
			return reply, nil
		case ctx.Err() != nil:
			return nil, unavailable(err)
		case errors.Is(err, nats.ErrNoResponders): // nobody leads the stream now
			if !pause(ctx, resend/10) {
				return nil, unavailable(err)
			}
		case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout):
			return nil, unavailable(err)
		}
	}
}

// publish sends m to its stream and waits until it is stored.
func (q *Queue) publish(ctx context.Context, m *nats.Msg) (seq uint64, err error) {
	reply, err := q.request(ctx, m)
	if err != nil {
		return 0, err
	}
	return stored(reply.Data)
}

// stored reads the broker's answer to a publication.
func stored(answer []byte) (seq uint64, err error) {
	var ack struct {
		Seq   uint64    `json:"seq"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(answer, &ack); err != nil {
		return 0, unavailable(fmt.Errorf("read acknowledgement: %w", err))
	}
	if ack.Error != nil {
		return 0, ack.Error.coded()
	}
	return ack.Seq, nil
}
