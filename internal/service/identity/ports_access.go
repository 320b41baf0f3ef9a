package identity

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/query"
)

// AppCreds keeps application credentials and the access rules that they share.
type AppCreds interface {
	InsertAppCred(ctx context.Context, a AppCred) error // with rules that are there already
	DeleteAppCred(ctx context.Context, id string) error
	AppCred(ctx context.Context, id string) (AppCred, error)
	AppCredByName(ctx context.Context, userID, name string) (AppCred, error)
	ListAppCreds(ctx context.Context, f AppCredFilter, page query.Page) ([]AppCred, error)
	InsertAccessRule(ctx context.Context, r AccessRule) error
	DeleteAccessRule(ctx context.Context, id string) error // Conflict while an application credential has it
	ListAccessRules(ctx context.Context, f AccessRule) ([]AccessRule, error)
}

// AppCredFilter selects application credentials by all of its fields that are set.
type AppCredFilter struct{ UserID, ProjectID, Name string }

// Credentials keeps the secrets that users store, encrypted.
type Credentials interface {
	InsertCredential(ctx context.Context, c Credential) error
	UpdateCredential(ctx context.Context, c Credential) error
	DeleteCredential(ctx context.Context, id string) error
	DeleteCredentialsOf(ctx context.Context, projectID string) error
	Credential(ctx context.Context, id string) (Credential, error)
	ListCredentials(ctx context.Context, f CredentialFilter, page query.Page) ([]Credential, error)
	// UseStep notes that the passcode of a step of time was used, and tells whether it was the first use of that step
	// and no later one has been used.
	UseStep(ctx context.Context, id string, step int64) (first bool, err error)
}

// CredentialFilter selects credentials by all of its fields that are set.
type CredentialFilter struct{ UserID, ProjectID, Type string }

// Trusts keeps trusts.
type Trusts interface {
	InsertTrust(ctx context.Context, t Trust) error
	DeleteTrust(ctx context.Context, id string) error // with those that were made from it
	Trust(ctx context.Context, id string) (Trust, error)
	ListTrusts(ctx context.Context, f TrustFilter, page query.Page) ([]Trust, error)
	// UseTrust counts one use, and tells whether there was one left.
	UseTrust(ctx context.Context, id string) (bool, error)
}

// TrustFilter selects trusts by all of its fields that are set.
type TrustFilter struct{ TrustorID, TrusteeID, ProjectID, FromTrustID string }

// Guards keeps what guards log-ins.
type Guards interface {
	// Failures returns how many log-ins failed since the last that did not, and when the last did. Who is a user's id, or
	// for somebody unknown another text.
	Failures(ctx context.Context, who string) (n int, last time.Time, err error)
	// AddFailure counts one more; failures before since are forgotten.
	AddFailure(ctx context.Context, who string, now, since time.Time) error
	ClearFailures(ctx context.Context, who string) error
	DeleteFailures(ctx context.Context, before time.Time) error
	// AddOldPassword keeps the hash of a password that was replaced, and forgets all but the newest ones.
	AddOldPassword(ctx context.Context, userID, hash string, now time.Time, keep int) error
	OldPasswords(ctx context.Context, userID string, most int) ([]string, error) // hashes, newest first
	SetActive(ctx context.Context, userID string, now time.Time) error
}
