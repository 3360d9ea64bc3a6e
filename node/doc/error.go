package doc

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the kind of an error, mapped once per protocol (HTTP status, exit
// code). The set is closed.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"      // the request or the file is wrong; repeating it does not help
	NotFound     Code = "not_found"    //
	Conflict     Code = "conflict"     // somebody else was first; look again and repeat
	Unauthorized Code = "unauthorized" // not signed in
	Forbidden    Code = "forbidden"    // signed in, but the role does not allow it
	TooLarge     Code = "too_large"    // over a configured limit
	Full         Code = "full"         // no room left on disk or in the bucket; nothing was kept
	Unavailable  Code = "unavailable"  // an engine is away; repeat later
	Internal     Code = "internal"     // ours; logged with an id
)

// Reasons a document cannot be read: detail words in Error.Detail that the UI
// turns into an offer (type the password, retry, raise the limit).
const (
	DetailEmpty       = "empty"
	DetailPassword    = "password"    // encrypted: needs a password, or the one given is wrong
	DetailUnsupported = "unsupported" // not a format Recto reads
	DetailDamaged     = "damaged"
	DetailNoPages     = "no_pages"
	DetailTooManyPgs  = "too_many_pages"
	DetailTooManyPx   = "too_many_pixels"
	DetailTimeout     = "timeout"
	DetailUnknownType = "unknown_type"
	DetailDepth       = "nested_too_deep"
)

// Error is an error with a code and a text meant for the user. Anything that is
// not an *Error is internal: logged, and shown as such.
type Error struct {
	Code    Code   `json:"code"`
	Detail  string `json:"detail,omitempty"` // one of the Detail words
	Message string `json:"message"`          // says what is wrong and what to do
	Err     error  `json:"-"`                // what caused it, for the log
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil || strings.HasSuffix(e.Message, e.Err.Error()) {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error; a %w operand becomes its cause's text and cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Unreadable makes the Invalid error of a file that cannot be read, with a
// Detail word, a text for the user and the cause (may be nil) for the log.
func Unreadable(detail, message string, cause error) *Error {
	return &Error{Code: Invalid, Detail: detail, Message: message, Err: cause}
}

// CodeOf gives the code of err: that of the first *Error in its chain, Internal
// when there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// DetailOf gives the Detail word of the first *Error in err's chain, or "".
func DetailOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}
