package identity

import (
	"context"
	"time"
)

// SetClock lets a test choose the time.
func (s *Service) SetClock(now func() time.Time) { s.now = now }

// Housekeep does at once what Run does each minute.
func (s *Service) Housekeep(ctx context.Context) error { return s.clean(ctx, s.time()) }

// PasscodeAt is what an authenticator shows at a time.
func PasscodeAt(blob string, now time.Time) string {
	secret, err := decodeTOTP(blob)
	if err != nil {
		panic(err)
	}
	return passcode(secret, stepAt(now))
}

// SetGuard lets a test choose what guards log-ins.
func (s *Service) SetGuard(g Guard) (err error) {
	s.guard, err = newGuard(g)
	return err
}

// HoldHashes keeps all password hashes from being made until release is called. waiting is how many there are to make.
func (s *Service) HoldHashes() (waiting func() int64, release func()) {
	h := s.hasher
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	return h.waiting.Load, func() {
		for range cap(h.slots) {
			<-h.slots
		}
	}
}

// SignedFor signs a request as its client does.
func SignedFor(r SignedRequest, secret string) SignedRequest {
	var err error
	if r.Signature, err = r.sign(secret); err != nil {
		panic(err)
	}
	return r
}
