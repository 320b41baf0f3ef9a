package app

import (
	"github.com/aloft-cloud/aloft/internal/core/config"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// guard is what the settings ask of those who log in, as the identity service takes it.
func guard(l config.LogIn) identity.Guard {
	return identity.Guard{
		LockoutAfter: l.LockoutAfter, LockoutFor: l.LockoutFor, InactiveAfter: l.InactiveAfter,
		Password: identity.PasswordRules{
			Patterns: l.Password.Patterns, Description: l.Password.Description, History: l.Password.History,
			MinimumAge: l.Password.MinimumAge, ExpiresAfter: l.Password.ExpiresAfter, ChangeUponFirstUse: l.Password.FirstUse,
		},
	}
}
