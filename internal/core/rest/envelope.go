package rest

import (
	"fmt"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// ErrorStyle writes an error in the dialect of one service.
type ErrorStyle struct {
	quota int // the status of fault.QuotaExceeded
	body  func(status int, e *fault.Error) any
}

// The styles of the services that there are, each as the service's API reference shows it.
var (
	// NovaErrors names the error by its status: {"itemNotFound": {"code": 404, "message": …}}.
	NovaErrors = ErrorStyle{http.StatusForbidden, novaBody}
	// NeutronErrors carries a type: {"NeutronError": {"type": "NetworkNotFound", "message": …, "detail": ""}}.
	NeutronErrors = ErrorStyle{http.StatusConflict, neutronBody}
	// KeystoneErrors is {"error": {"code": 404, "title": "Not Found", "message": …}}.
	KeystoneErrors = ErrorStyle{http.StatusForbidden, keystoneBody}
	// GlanceErrors is {"code": "404 Not Found", "title": "Not Found", "message": …}.
	GlanceErrors = ErrorStyle{http.StatusRequestEntityTooLarge, glanceBody}
	// AloftErrors are problem details (RFC 9457).
	AloftErrors = ErrorStyle{http.StatusForbidden, aloftBody}
)

func (s ErrorStyle) status(c fault.Class) int {
	switch c {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case fault.NotAcceptable:
		return http.StatusNotAcceptable
	case fault.Conflict:
		return http.StatusConflict
	case fault.Timeout:
		return http.StatusRequestTimeout
	case fault.PreconditionFailed:
		return http.StatusPreconditionFailed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.QuotaExceeded:
		return s.quota
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

type titled struct {
	Code    int    `json:"code"`
	Title   string `json:"title"`
	Message string `json:"message"`
}

func keystoneBody(status int, e *fault.Error) any {
	return map[string]titled{"error": {status, http.StatusText(status), e.Message}}
}

func novaBody(status int, e *fault.Error) any {
	name := map[int]string{
		http.StatusBadRequest:            "badRequest",
		http.StatusUnauthorized:          "unauthorized",
		http.StatusForbidden:             "forbidden",
		http.StatusNotFound:              "itemNotFound",
		http.StatusMethodNotAllowed:      "badMethod",
		http.StatusNotAcceptable:         "computeFault",
		http.StatusConflict:              "conflictingRequest",
		http.StatusRequestEntityTooLarge: "overLimit",
		http.StatusUnsupportedMediaType:  "badMediaType",
		http.StatusTooManyRequests:       "overLimit",
		http.StatusServiceUnavailable:    "serviceUnavailable",
	}[status]
	if name == "" {
		name = "computeFault"
	}
	return map[string]any{name: struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, e.Message}}
}

func neutronBody(status int, e *fault.Error) any {
	kind := e.Code
	if kind == "" {
		kind = map[int]string{
			http.StatusBadRequest:      "InvalidInput",
			http.StatusForbidden:       "PolicyNotAuthorized",
			http.StatusNotFound:        "HTTPNotFound",
			http.StatusConflict:        "Conflict",
			http.StatusTooManyRequests: "TooManyRequests",
		}[status]
	}
	if kind == "" {
		kind = "HTTP" + fmt.Sprint(status)
	}
	return map[string]any{"NeutronError": struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Detail  string `json:"detail"`
	}{kind, e.Message, ""}}
}

func glanceBody(status int, e *fault.Error) any {
	return struct {
		Message string `json:"message"`
		Code    string `json:"code"`
		Title   string `json:"title"`
	}{e.Message, fmt.Sprintf("%d %s", status, http.StatusText(status)), http.StatusText(status)}
}

func aloftBody(status int, e *fault.Error) any {
	return struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Field  string `json:"field,omitempty"`
	}{http.StatusText(status), status, e.Message, e.Field}
}
