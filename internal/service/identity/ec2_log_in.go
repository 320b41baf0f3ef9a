package identity

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// LogInSigned makes a token for who signed a request: on the project of the EC2 credential, or with what the token
// permitted that the credential was made with.
func (s *Service) LogInSigned(ctx context.Context, r SignedRequest) (*auth.Token, string, error) {
	key, err := s.signer(ctx, r)
	if err != nil {
		return nil, "", err
	}
	t := &auth.Token{}
	t.IssuedAt = s.time()
	t.ExpiresAt, t.Methods = t.IssuedAt.Add(s.cfg.TokenLife), []string{methodEC2}
	if err := s.putSigner(ctx, t, key); err != nil {
		return nil, "", err
	}
	if t.ProjectID != key.ProjectID {
		return nil, "", fault.New(fault.Unauthenticated, "The EC2 credential is of another project than what it was made with.")
	}
	return s.seal(t)
}

// signer is the credential whose secret signed a request. Who asks is a service or an administrator, so that an unknown
// access key may be told from a wrong signature, as Keystone does. Only wrong signatures count against the rate, and
// for the key alone: a service checks those of all its clients, from one address.
func (s *Service) signer(ctx context.Context, r SignedRequest) (EC2, error) {
	if r.Access == "" {
		return EC2{}, badSignature("the access key is not there")
	}
	key, err := s.ec2Key(ctx, r.Access)
	if err != nil {
		return EC2{}, err
	}
	who := digest(CredentialEC2, r.Access)
	if err := tooFast(s.guard.users.Full(who, s.now())); err != nil {
		return EC2{}, err
	}
	if err := r.check(key.Secret); err != nil {
		s.guard.users.Take(who, s.now())
		return EC2{}, err
	}
	at, err := r.at()
	if err != nil {
		return EC2{}, err
	}
	if off := s.now().Sub(at); !at.IsZero() && (off > signedFor || off < -signedFor) {
		return EC2{}, fault.New(fault.Unauthenticated, "Credential is expired: the request was signed more than %s ago, or the clocks differ as much.", signedFor)
	}
	return key, nil
}

// ec2Key reads the EC2 credential of an access key; NotFound if there is none that has a secret.
func (s *Service) ec2Key(ctx context.Context, access string) (EC2, error) {
	cr, err := s.store.Credentials.Credential(ctx, ec2ID(access))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return EC2{}, err
	}
	var key EC2
	if err == nil && cr.Type == CredentialEC2 {
		if cr, err = s.openCredential(cr); err != nil {
			return EC2{}, err
		}
		if key, err = ec2From(cr); err != nil {
			return EC2{}, err
		}
	}
	if key.Secret == "" {
		return EC2{}, fault.New(fault.NotFound, "EC2 access key not found.")
	}
	return key, nil
}

// putSigner fills user, scope and roles into a token.
func (s *Service) putSigner(ctx context.Context, t *auth.Token, key EC2) error {
	userID := key.UserID
	if key.TrustID != "" {
		trust, err := s.store.Trusts.Trust(ctx, key.TrustID)
		if err != nil {
			return absent(err, "trust", key.TrustID)
		}
		if userID != trust.TrustorID && userID != trust.TrusteeID {
			return errLogIn()
		}
		userID = trust.TrusteeID // who acts, even where the trust impersonates
	}
	u, err := s.store.Users.User(ctx, userID)
	if err != nil {
		return absent(err, "user", userID)
	}
	if err := s.putUser(ctx, t, u); err != nil {
		return err
	}
	switch {
	case key.TrustID != "":
		return s.putTrust(ctx, t, key.TrustID)
	case key.AppCredID != "":
		return s.putAppCredOf(ctx, t, key)
	}
	return s.putProject(ctx, t, ProjectRef{ID: key.ProjectID})
}

func (s *Service) putAppCredOf(ctx context.Context, t *auth.Token, key EC2) error {
	a, err := s.store.AppCreds.AppCred(ctx, key.AppCredID)
	if err != nil {
		return absent(err, "application credential", key.AppCredID)
	}
	if a.UserID != key.UserID || s.checkFuture(a.ExpiresAt) != nil {
		return errLogIn()
	}
	standOn(t, a)
	return s.putAppCred(ctx, t, nil)
}

// standOn makes a token that of an application credential.
func standOn(t *auth.Token, a AppCred) {
	t.AppCredID, t.AppCredName, t.Unrestricted = a.ID, a.Name, a.Unrestricted
	for _, r := range a.Rules {
		t.AccessRules = append(t.AccessRules, auth.AccessRule(r.Service, r.Method, r.Path))
	}
	t.AccessRules = slices.Compact(t.AccessRules)
	if !a.ExpiresAt.IsZero() && a.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = a.ExpiresAt
	}
}
