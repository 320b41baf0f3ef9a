package identity

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
)

// receiptLife is how long somebody has to bring the methods that a log-in lacked.
const receiptLife = 5 * time.Minute

// MoreMethods is a log-in that is right so far and lacks methods which the user must use.
type MoreMethods struct {
	Receipt  string      // brings what was proven to the next attempt
	Proven   *auth.Token // the user and the methods
	Required [][]string  // sets of methods, any of which will do
}

// Error says that methods are lacking.
func (m *MoreMethods) Error() string { return "the log-in lacks methods that the user must use" }

// Unwrap is the refusal, for those who don't know of receipts.
func (m *MoreMethods) Unwrap() error { return errLogIn() }

// checkMethods asks for the methods that the user's rules want.
func (s *Service) checkMethods(t *auth.Token, u User, receipt string) error {
	if receipt != "" {
		earlier, err := s.keys.Open(receipt)
		if err != nil || !earlier.Receipt || earlier.UserID != u.ID || earlier.Expired(s.now()) || s.revoked.Revoked(earlier) {
			return errLogIn()
		}
		for _, method := range earlier.Methods {
			if !slices.Contains(t.Methods, method) {
				t.Methods = append(t.Methods, method)
			}
		}
	}
	rules := knownRules(u.Options)
	for _, rule := range rules {
		if containsAll(t.Methods, rule) {
			return nil
		}
	}
	if len(rules) == 0 {
		return nil
	}
	proven := &auth.Token{Receipt: true}
	proven.UserID, proven.UserName, proven.UserDomainID, proven.UserDomainName = t.UserID, t.UserName, t.UserDomainID, t.UserDomainName
	proven.Methods, proven.IssuedAt, proven.ExpiresAt = t.Methods, t.IssuedAt, t.IssuedAt.Add(receiptLife)
	sealed, err := s.keys.Seal(proven, proven.IssuedAt)
	if err != nil {
		return err
	}
	return &MoreMethods{Receipt: sealed, Proven: proven, Required: rules}
}

// knownRules are a user's rules with the methods that there are; rules of none other are left out, so that a slip of
// the pen bars nobody.
func knownRules(o UserOptions) [][]string {
	if o.MFAEnabled != nil && !*o.MFAEnabled {
		return nil
	}
	var rules [][]string
	for _, rule := range o.MFARules {
		var known []string
		for _, method := range rule {
			if slices.Contains(methods, method) {
				known = append(known, method)
			}
		}
		if len(known) > 0 {
			rules = append(rules, known)
		}
	}
	return rules
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

// proveTOTP takes a passcode of any of the user's enrolled devices, once.
func (s *Service) proveTOTP(ctx context.Context, proof TOTPProof, at *attempt) (User, error) {
	u, err := s.findUser(ctx, proof.User)
	if notThere := isMissing(err); err != nil && !notThere {
		return User{}, err
	}
	right, err := s.passcodeOf(ctx, u, proof.Passcode)
	if err != nil {
		return User{}, err
	}
	return u, s.judge(ctx, at, proof.User, u, right)
}
