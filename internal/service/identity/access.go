package identity

import "time"

// UserOptions are what is particular about a user's log-in. nil: never said.
type UserOptions struct {
	IgnoreChangePasswordUponFirstUse *bool      `json:"ignore_change_password_upon_first_use,omitempty"`
	IgnorePasswordExpiry             *bool      `json:"ignore_password_expiry,omitempty"`
	IgnoreLockoutFailureAttempts     *bool      `json:"ignore_lockout_failure_attempts,omitempty"`
	LockPassword                     *bool      `json:"lock_password,omitempty"`
	IgnoreUserInactivity             *bool      `json:"ignore_user_inactivity,omitempty"`
	MFAEnabled                       *bool      `json:"multi_factor_auth_enabled,omitempty"` // nil: yes
	MFARules                         [][]string `json:"multi_factor_auth_rules,omitempty"`   // any one of these sets of methods will do
}

func yes(option *bool) bool { return option != nil && *option }

// AppCred is a secret by which a program logs in for a user, on one project and with some of the user's roles.
type AppCred struct {
	ID, Name          string
	UserID, ProjectID string
	Description       string
	RoleIDs           []string
	Unrestricted      bool // may make and delete others
	Rules             []AccessRule
	SecretHash        string
	ExpiresAt         time.Time // zero: never
	CreatedAt         time.Time
}

// AccessRule permits one kind of request; application credentials of a user share it.
type AccessRule struct {
	ID, UserID            string
	Service, Method, Path string
}

// The types of credential that Aloft itself understands.
const (
	CredentialEC2  = "ec2"
	CredentialTOTP = "totp"
)

// Credential is a secret that a user stores, of any type.
type Credential struct {
	ID, UserID, ProjectID string // the project may be empty
	Type                  string
	Blob                  string // in the store: encrypted
	Extra                 map[string]any
	CreatedAt             time.Time
	Revision              int64
}

// Trust lets a trustee act on a project with some roles of a trustor, as the trustor or as itself.
type Trust struct {
	ID                   string
	TrustorID, TrusteeID string
	ProjectID            string // empty: none, and then no roles
	Impersonation        bool
	RoleIDs              []string
	ExpiresAt            time.Time // zero: never
	RemainingUses        *int64    // nil: any number
	RedelegationCount    int64     // how many trusts may follow in a chain
	FromTrustID          string    // the trust that this one passes on; empty for the first of a chain
	CreatedAt            time.Time
}
