package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// statuses is the one table from error codes to HTTP.
var statuses = map[doc.Code]int{
	doc.Invalid:      http.StatusBadRequest,
	doc.NotFound:     http.StatusNotFound,
	doc.Conflict:     http.StatusConflict,
	doc.Unauthorized: http.StatusUnauthorized,
	doc.Forbidden:    http.StatusForbidden,
	doc.TooLarge:     http.StatusRequestEntityTooLarge,
	doc.Full:         http.StatusInsufficientStorage,
	doc.Unavailable:  http.StatusServiceUnavailable,
	doc.Internal:     http.StatusInternalServerError,
}

// retryAfter is what a client is told to wait when an engine is away.
const retryAfter = 5 * time.Second

// Failure is the body of every answer that is an error.
type Failure struct {
	Error FailureBody `json:"error"`
}

// FailureBody says what went wrong: a code of the closed set, a detail word if
// there is one, a text for people, and the id under which the log knows more.
type FailureBody struct {
	Code      doc.Code `json:"code"`
	Detail    string   `json:"detail,omitempty"`
	Message   string   `json:"message"`
	RequestID string   `json:"request_id"`
}

// failure is an error on its way to a client.
type failure struct {
	status int
	body   FailureBody
	wait   time.Duration // for Retry-After; 0: none
}

// fail translates any error. Only coded errors are shown; the rest is Internal.
func fail(err error, id string) failure {
	var (
		coded     *doc.Error
		throttled *auth.Throttled
		fib       *fiber.Error
	)
	switch {
	case errors.As(err, &throttled):
		f := coding(&doc.Error{Code: doc.Unavailable, Detail: auth.DetailThrottled, Message: throttled.Error()}, id)
		f.status, f.wait = http.StatusTooManyRequests, throttled.Wait
		return f
	case errors.As(err, &coded):
		return coding(coded, id)
	case errors.As(err, &fib):
		return protocol(fib, id)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return coding(&doc.Error{Code: doc.Unavailable, Message: "this took too long or the node is stopping: try again"}, id)
	}
	return coding(&doc.Error{Code: doc.Internal}, id)
}

func coding(e *doc.Error, id string) failure {
	f := failure{status: statuses[e.Code], body: FailureBody{Code: e.Code, Detail: e.Detail, Message: e.Message, RequestID: id}}
	switch {
	case f.status == 0 || e.Code == doc.Internal:
		f.status, f.body.Code = http.StatusInternalServerError, doc.Internal
		f.body.Message = "something went wrong inside Recto; the log has the details under this request id"
	case e.Code == doc.Unavailable:
		f.wait = retryAfter
	}
	return f
}

// protocol translates what Fiber itself refuses.
func protocol(e *fiber.Error, id string) failure {
	f := failure{status: e.Code, body: FailureBody{Code: doc.Invalid, RequestID: id}}
	switch e.Code {
	case http.StatusNotFound:
		f.body.Code, f.body.Message = doc.NotFound, "there is nothing at this address"
	case http.StatusMethodNotAllowed:
		f.body.Message = "this address does not know that method"
	case http.StatusRequestHeaderFieldsTooLarge:
		f.body.Code, f.body.Message = doc.TooLarge, "the request's headers are too large"
	case http.StatusRequestTimeout:
		f.body.Message = "the request came too slowly"
	default:
		f.status, f.body.Message = http.StatusBadRequest, "this is not a request Recto understands"
	}
	return f
}

// write renders f as JSON.
func (f failure) write(c *fiber.Ctx) error {
	f.headers(c)
	return c.Status(f.status).JSON(Failure{f.body})
}

// headers sets what goes with f besides the body.
func (f failure) headers(c *fiber.Ctx) {
	if f.wait > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	if f.status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="recto"`)
	}
}
