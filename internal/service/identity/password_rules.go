package identity

import (
	"context"
	"math"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// checkPassword refuses a password that is not as the rules ask.
func (s *Service) checkPassword(password string) error {
	for _, p := range s.guard.patterns {
		if !p.MatchString(password) {
			return fault.Invalidf("password", "The password does not match the requirements: %s.", s.guard.Password.Description)
		}
	}
	return nil
}

// checkOwnPassword refuses a password that a user may not take now.
func (s *Service) checkOwnPassword(ctx context.Context, u User, password string) error {
	rules := s.guard.Password
	if yes(u.Options.LockPassword) {
		return fault.Invalidf("password", "You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.")
	}
	if left := u.PasswordChangedAt.Add(rules.MinimumAge).Sub(s.time()); left > 0 && !s.passwordExpired(u) {
		return fault.Invalidf("password", "Cannot change password before minimum age %d days is met. Please try again after %d days.",
			days(rules.MinimumAge), days(left))
	}
	if err := s.checkPassword(password); err != nil || rules.History < 2 {
		return err
	}
	// The present password is not among the old ones; that the new one differs from it was seen before.
	old, err := s.store.Guards.OldPasswords(ctx, u.ID, rules.History-2)
	if err != nil {
		return err
	}
	for _, hash := range old {
		same, err := s.hasher.matches(ctx, hash, password)
		if err != nil {
			return err
		}
		if same {
			return fault.Invalidf("password", "The new password cannot be identical to a previous password. The total number which includes the new password must be unique is %d.", rules.History)
		}
	}
	return nil
}

func days(d time.Duration) int { return int(math.Ceil(d.Hours() / 24)) }

// passwordExpired tells whether a password is good for nothing but to change it.
func (s *Service) passwordExpired(u User) bool {
	return !u.PasswordExpiresAt.IsZero() && !s.time().Before(u.PasswordExpiresAt)
}

// putPassword gives a user a password, by its hash; "" takes it away. It is by the user, or else by an administrator.
func (s *Service) putPassword(ctx context.Context, u *User, hash string, byUser bool) error {
	rules, old := s.guard.Password, u.PasswordHash
	u.PasswordHash, u.PasswordChangedAt = hash, s.time()
	s.setExpiry(u, byUser)
	if rules.History < 2 || old == "" || u.Revision == 0 {
		return nil
	}
	return s.store.Guards.AddOldPassword(ctx, u.ID, old, u.PasswordChangedAt, rules.History)
}

// setExpiry says when a password that was just set expires.
func (s *Service) setExpiry(u *User, byUser bool) {
	rules := s.guard.Password
	u.PasswordExpiresAt = time.Time{}
	switch {
	case u.PasswordHash == "":
	case !byUser && rules.ChangeUponFirstUse && !yes(u.Options.IgnoreChangePasswordUponFirstUse):
		u.PasswordExpiresAt = u.PasswordChangedAt
	case rules.ExpiresAfter > 0 && !yes(u.Options.IgnorePasswordExpiry):
		u.PasswordExpiresAt = u.PasswordChangedAt.Add(rules.ExpiresAfter)
	}
}
