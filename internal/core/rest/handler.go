package rest

import (
	"context"
	"io"
	"net/http"
	"reflect"
)

// Handler is a typed function with the plans that decode its input and encode its output. Make it with [Do].
type Handler struct {
	call    func(ctx context.Context, in any) (any, error)
	newIn   func() any // a pointer to a new In
	in      *inputPlan
	outType reflect.Type
	err     error // why the types cannot be used; found at start
}

// Do makes a handler of a function. In and Out are structs as the package's documentation describes them.
func Do[In, Out any](fn func(context.Context, In) (Out, error)) Handler {
	h := Handler{
		newIn:   func() any { return new(In) },
		outType: reflect.TypeFor[Out](),
		call: func(ctx context.Context, in any) (any, error) {
			out, err := fn(ctx, *in.(*In))
			if err != nil {
				return nil, err
			}
			return &out, nil
		},
	}
	h.in, h.err = planInput(reflect.TypeFor[In]())
	if h.err == nil && h.outType != reflect.TypeFor[Stream]() && h.outType.Kind() == reflect.Struct {
		_, h.err = planStruct(h.outType)
	}
	return h
}

// None is an output without a body.
type None struct{}

// Stream is an output of bytes. Body is closed when it has been sent; a negative Length means that it is not known.
type Stream struct {
	ContentType string
	Length      int64
	Header      http.Header
	Status      int // 0: the route's
	Body        io.ReadCloser
}
