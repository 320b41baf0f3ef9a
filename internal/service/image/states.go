package image

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Status is the state of an image.
type Status string

// The closed set of states.
const (
	Queued      Status = "queued"
	Saving      Status = "saving"
	Active      Status = "active"
	Deactivated Status = "deactivated"
)

// transitions lists the states that may follow each state.
func transitions(from Status) []Status {
	switch from {
	case Queued:
		return []Status{Saving}
	case Saving:
		return []Status{Active, Queued}
	case Active:
		return []Status{Deactivated}
	case Deactivated:
		return []Status{Active}
	}
	return nil
}

// move changes the state, or says that it can't follow.
func (i *Image) move(to Status) error {
	if !slices.Contains(transitions(i.Status), to) {
		return fault.Conflictf("image", i.ID, "Image status transition from %s to %s is not allowed", i.Status, to)
	}
	i.Status = to
	return nil
}
