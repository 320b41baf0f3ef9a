package api

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// userOptionsBody are the options of a user that a request sets; null takes one away.
type userOptionsBody struct {
	IgnoreChangePasswordUponFirstUse rest.Opt[bool]       `json:"ignore_change_password_upon_first_use"`
	IgnorePasswordExpiry             rest.Opt[bool]       `json:"ignore_password_expiry"`
	IgnoreLockoutFailureAttempts     rest.Opt[bool]       `json:"ignore_lockout_failure_attempts"`
	LockPassword                     rest.Opt[bool]       `json:"lock_password"`
	IgnoreUserInactivity             rest.Opt[bool]       `json:"ignore_user_inactivity"`
	MFAEnabled                       rest.Opt[bool]       `json:"multi_factor_auth_enabled"`
	MFARules                         rest.Opt[[][]string] `json:"multi_factor_auth_rules"`
}

// Validate refuses rules that are empty or say a thing twice.
func (b *userOptionsBody) Validate() error {
	const field = "user.options.multi_factor_auth_rules"
	for i, rule := range b.MFARules.Value {
		if len(rule) == 0 {
			return fault.Invalidf(field, "Invalid input for field %s: rule %d names no method", field, i)
		}
		sorted := slices.Sorted(slices.Values(rule))
		if len(slices.Compact(sorted)) != len(rule) {
			return fault.Invalidf(field, "Invalid input for field %s: rule %d names a method twice", field, i)
		}
		for _, earlier := range b.MFARules.Value[:i] {
			if slices.Equal(earlier, rule) {
				return fault.Invalidf(field, "Invalid input for field %s: rule %d is there twice", field, i)
			}
		}
	}
	return nil
}

// change is nil where the request says nothing of options.
func (b *userOptionsBody) change() func(identity.UserOptions) identity.UserOptions {
	if b == nil {
		return nil
	}
	return b.apply
}

// apply changes what the request names, and leaves the rest.
func (b *userOptionsBody) apply(o identity.UserOptions) identity.UserOptions {
	for _, option := range []struct {
		given rest.Opt[bool]
		to    **bool
	}{
		{b.IgnoreChangePasswordUponFirstUse, &o.IgnoreChangePasswordUponFirstUse},
		{b.IgnorePasswordExpiry, &o.IgnorePasswordExpiry},
		{b.IgnoreLockoutFailureAttempts, &o.IgnoreLockoutFailureAttempts},
		{b.LockPassword, &o.LockPassword},
		{b.IgnoreUserInactivity, &o.IgnoreUserInactivity},
		{b.MFAEnabled, &o.MFAEnabled},
	} {
		switch {
		case option.given.Null:
			*option.to = nil
		case option.given.Set:
			*option.to = &option.given.Value
		}
	}
	if b.MFARules.Set {
		o.MFARules = b.MFARules.Value
	}
	return o
}

func (b *userOptionsBody) or() identity.UserOptions {
	if b == nil {
		return identity.UserOptions{}
	}
	return b.apply(identity.UserOptions{})
}
