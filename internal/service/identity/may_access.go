package identity

import (
	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The rules of who may see and change what belongs to one user: that user, with a token of a project or of the system,
// and administrators with such a token. Those of a domain have no say over the secrets of its users.

func administers(c *auth.Caller) bool { return c.Admin() && c.DomainID == "" }

func readsSecrets(c *auth.Caller) bool {
	return administers(c) || (c != nil && c.System && c.Has(RoleReader))
}

func isOwner(c *auth.Caller, userID string) bool {
	return c != nil && c.DomainID == "" && c.UserID == userID
}

// owned answers for a thing that was looked for: the error of the search where the caller may know that there is none,
// and a refusal to those who are neither its owner nor may act on everybody's. Path is the user whom the request names.
func owned(c *auth.Caller, everybody bool, path, owner, policy string, err error) error {
	if err != nil {
		if fault.Is(err, fault.NotFound) && !everybody && !isOwner(c, path) {
			return refused(policy)
		}
		return err
	}
	if !everybody && !isOwner(c, owner) {
		return refused(policy)
	}
	return nil
}

// withoutTrust refuses what may not be done with the token of a trust, which would outlive the trust.
func withoutTrust(c *auth.Caller) error {
	if c.TrustID != "" {
		return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: application credentials can't be managed with the token of a trust.")
	}
	return nil
}

// unrestricted refuses what a token of a restricted application credential may not do.
func unrestricted(c *auth.Caller) error {
	if c.AppCredID != "" && !c.Unrestricted {
		return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: using method 'application_credential' is not allowed for managing additional credentials, unless the application credential is unrestricted.")
	}
	return nil
}

// inScope refuses delegated tokens what belongs to another project than theirs, or to none.
func inScope(c *auth.Caller, projectID string) error {
	if c.Delegated() && c.ProjectID != projectID {
		return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: the credential is not of the project to which the delegated token is scoped.")
	}
	return nil
}
