package network

import "github.com/aloft-cloud/aloft/internal/core/fault"

// expect refuses to change an object that has another revision than the caller means; nil means any. Transactions are
// serializable, so what was true when the object was read is true when it is written.
func (s Stamp) expect(object, id string, wanted *int64) error {
	if wanted == nil || *wanted == s.Revision {
		return nil
	}
	return fault.New(fault.PreconditionFailed, "Constrained to %d, but current revision of %s %s is %d: read it again, and repeat what is still wanted.", *wanted, object, id, s.Revision).
		WithCode("RevisionNumberConstraintFailed")
}
