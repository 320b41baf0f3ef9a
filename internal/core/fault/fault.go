// Package fault is the one vocabulary of errors. Every layer speaks it, core/rest turns it into HTTP in one place,
// and nobody compares the text of an error.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Class says what kind of failure an error is; each class has exactly one HTTP status.
type Class int

// The closed set of classes. The comment is the HTTP status (RFC 9110) of each.
const (
	Internal           Class = iota // 500
	Invalid                         // 400
	Unauthenticated                 // 401
	Forbidden                       // 403
	NotFound                        // 404
	MethodNotAllowed                // 405
	NotAcceptable                   // 406
	Conflict                        // 409
	TooLarge                        // 413
	Unsupported                     // 415
	QuotaExceeded                   // 403 in compute, 409 in network, 413 in volume: the service's dialect decides
	RateLimited                     // 429
	Unavailable                     // 503
	PreconditionFailed              // 412
	Timeout                         // 408
)

// Error is a failure that may be shown to a user. Message is public: it names what is wrong, why, and what would be
// right. Err is the cause, for the log only.
type Error struct {
	Class      Class
	Code       string // the dialect's own name where it has one, e.g. Neutron's "IpAddressInUse"; may be empty
	Field      string // the field of the request at fault, e.g. "server.flavorRef"; may be empty
	Object, ID string // what it is about, e.g. "server" and its id; may be empty
	Message    string
	RetryAfter time.Duration // for RateLimited and Unavailable
	Err        error
}

// Error returns the public message followed by the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a class with a public message.
func New(c Class, format string, args ...any) *Error {
	return &Error{Class: c, Message: fmt.Sprintf(format, args...)}
}

// Invalidf returns an Invalid error about one field of the request.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Class: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Missing returns a NotFound error about an object of a kind ("server", "network") that has no such id or name.
func Missing(object, id string) *Error {
	return &Error{Class: NotFound, Object: object, ID: id, Message: fmt.Sprintf("%s %q could not be found", object, id)}
}

// Conflictf returns a Conflict error about an object.
func Conflictf(object, id, format string, args ...any) *Error {
	return &Error{Class: Conflict, Object: object, ID: id, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a class and a public message.
func Wrap(c Class, err error, format string, args ...any) *Error {
	return &Error{Class: c, Err: err, Message: fmt.Sprintf(format, args...)}
}

// WithCode names the error in the dialect of the service and returns it.
func (e *Error) WithCode(code string) *Error {
	e.Code = code
	return e
}

// Of returns the *Error inside err; an error of another kind becomes Internal with a message that tells nothing.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: Internal, Message: "an unexpected error happened; the log has it under this request's id", Err: err}
}

// Is tells whether err is of a class. A nil error is of none.
func Is(err error, c Class) bool {
	return err != nil && Of(err).Class == c
}
