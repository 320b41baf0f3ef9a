package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// CredentialChange is what a request changes of a credential; nil leaves it.
type CredentialChange struct {
	UserID, ProjectID, Type, Blob *string
	Extra                         map[string]any
}

// credentialLabel binds an encrypted blob to its row.
func credentialLabel(id string) string { return "credential " + id }

// ec2ID is the id of the EC2 credential of an access key.
func ec2ID(access string) string {
	sum := sha256.Sum256([]byte(access))
	return hex.EncodeToString(sum[:])
}

// delegationKeys are what the blob of an EC2 credential says about the token that it was made with. Only Aloft writes it.
var delegationKeys = []string{"trust_id", "app_cred_id", "access_token_id", "access_id"}

// CreateCredential stores a credential, encrypted.
func (s *Service) CreateCredential(ctx context.Context, c *auth.Caller, cr Credential) (Credential, error) {
	if c.DomainID != "" || (!administers(c) && !isOwner(c, cr.UserID)) {
		return Credential{}, refused("identity:create_credential")
	}
	if err := inScope(c, cr.ProjectID); err != nil {
		return Credential{}, err
	}
	cr.ID, cr.CreatedAt, cr.Revision = newID(), s.time(), 1
	var err error
	switch cr.Type {
	case CredentialEC2:
		err = s.completeEC2(c, &cr)
	case CredentialTOTP:
		_, err = decodeTOTP(cr.Blob)
	}
	if err != nil {
		return Credential{}, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.store.Users.User(ctx, cr.UserID); err != nil {
			return err
		}
		sealed, err := s.sealCredential(cr)
		if err != nil {
			return err
		}
		if err := s.store.Credentials.InsertCredential(ctx, sealed); err != nil {
			return err
		}
		return s.tell(ctx, "credential", "created", cr.ID, cr.ProjectID, about{Name: cr.Type, By: by(ctx)})
	})
	return cr, err
}

// completeEC2 gives an EC2 credential the id of its access key, and binds it to what the caller's token stands on.
func (s *Service) completeEC2(c *auth.Caller, cr *Credential) error {
	if err := unrestricted(c); err != nil {
		return err
	}
	if cr.ProjectID == "" {
		return fault.Invalidf("credential.project_id", "Expecting to find project_id in credential: a credential of type ec2 is of a project. The server could not comply with the request since it is either malformed or otherwise incorrect.")
	}
	blob, err := ec2Blob(cr.Blob)
	if err != nil {
		return err
	}
	for _, key := range delegationKeys {
		delete(blob, key)
	}
	if c.TrustID != "" {
		blob["trust_id"] = c.TrustID
	}
	if c.AppCredID != "" {
		blob["app_cred_id"] = c.AppCredID
	}
	raw, err := json.Marshal(blob)
	cr.Blob, cr.ID = string(raw), ec2ID(blob["access"].(string))
	return err
}

// ec2Blob reads the blob of an EC2 credential: an object with the access key and the secret.
func ec2Blob(text string) (map[string]any, error) {
	var blob map[string]any
	if err := json.Unmarshal([]byte(text), &blob); err != nil || blob == nil {
		return nil, fault.Invalidf("credential.blob", "Invalid blob in credential: for type ec2 it is the text of a JSON object with access and secret")
	}
	if access, ok := blob["access"].(string); !ok || access == "" {
		return nil, fault.Invalidf("credential.blob", "Expecting to find access in credential: the blob of type ec2 is the text of a JSON object with access and secret")
	}
	return blob, nil
}

func (s *Service) sealCredential(cr Credential) (Credential, error) {
	var err error
	cr.Blob, err = s.keys.sealText(credentialLabel(cr.ID), cr.Blob)
	return cr, err
}

func (s *Service) openCredential(cr Credential) (Credential, error) {
	var err error
	cr.Blob, err = s.keys.openText(credentialLabel(cr.ID), cr.Blob)
	return cr, err
}

// credential reads a credential for those who may, decrypted.
func (s *Service) credential(ctx context.Context, c *auth.Caller, everybody bool, id, policy string) (Credential, error) {
	cr, err := s.store.Credentials.Credential(ctx, id)
	if c.DomainID != "" {
		return Credential{}, refused(policy)
	}
	if err := owned(c, everybody, "", cr.UserID, policy, err); err != nil {
		return Credential{}, err
	}
	if err := inScope(c, cr.ProjectID); err != nil {
		return Credential{}, err
	}
	return s.openCredential(cr)
}

// ShowCredential reads a credential.
func (s *Service) ShowCredential(ctx context.Context, c *auth.Caller, id string) (Credential, error) {
	return s.credential(ctx, c, readsSecrets(c), id, "identity:get_credential")
}

// ListCredentials reads a page of the credentials that the caller may read.
func (s *Service) ListCredentials(ctx context.Context, c *auth.Caller, f CredentialFilter, page query.Page) ([]Credential, error) {
	if c.DomainID != "" {
		return nil, refused("identity:list_credentials")
	}
	if !readsSecrets(c) {
		if f.UserID != "" && f.UserID != c.UserID {
			return nil, nil
		}
		f.UserID = c.UserID
	}
	if c.Delegated() {
		f.ProjectID = c.ProjectID
	}
	return s.openAll(s.store.Credentials.ListCredentials(ctx, f, page))
}

func (s *Service) openAll(found []Credential, err error) ([]Credential, error) {
	for i := range found {
		if found[i], err = s.openCredential(found[i]); err != nil {
			return nil, err
		}
	}
	return found, err
}

// UpdateCredential changes a credential; it must still be one that the caller may change.
func (s *Service) UpdateCredential(ctx context.Context, c *auth.Caller, id string, change CredentialChange) (Credential, error) {
	const policy = "identity:update_credential"
	var cr Credential
	err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if cr, err = s.credential(ctx, c, administers(c), id, policy); err != nil {
			return err
		}
		before := cr
		set(&cr.UserID, change.UserID)
		set(&cr.ProjectID, change.ProjectID)
		set(&cr.Type, change.Type)
		set(&cr.Blob, change.Blob)
		cr.Extra = mergeExtra(cr.Extra, change.Extra)
		if !administers(c) && !isOwner(c, cr.UserID) {
			return refused(policy)
		}
		if err := inScope(c, cr.ProjectID); err != nil {
			return err
		}
		if err := checkCredentialChange(before, cr); err != nil {
			return err
		}
		if _, err := s.store.Users.User(ctx, cr.UserID); err != nil {
			return err
		}
		sealed, err := s.sealCredential(cr)
		if err != nil {
			return err
		}
		if err := s.store.Credentials.UpdateCredential(ctx, sealed); err != nil {
			return err
		}
		return s.tell(ctx, "credential", "updated", id, cr.ProjectID, about{Name: cr.Type, By: by(ctx)})
	})
	return cr, err
}

// checkCredentialChange keeps what an EC2 credential stands on as it was.
func checkCredentialChange(before, after Credential) error {
	if after.Type == CredentialTOTP {
		_, err := decodeTOTP(after.Blob)
		return err
	}
	if after.Type != CredentialEC2 {
		return nil
	}
	blob, err := ec2Blob(after.Blob)
	if err != nil {
		return err
	}
	var old map[string]any
	if before.Type == CredentialEC2 {
		if old, err = ec2Blob(before.Blob); err != nil {
			return err
		}
	}
	for _, key := range delegationKeys {
		if blob[key] != old[key] {
			return fault.Invalidf("credential.blob", "%s can not be updated for credential", key)
		}
	}
	return nil
}

// DeleteCredential removes a credential.
func (s *Service) DeleteCredential(ctx context.Context, c *auth.Caller, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		cr, err := s.credential(ctx, c, administers(c), id, "identity:delete_credential")
		if err != nil {
			return err
		}
		return s.dropCredential(ctx, cr)
	})
}

func (s *Service) dropCredential(ctx context.Context, cr Credential) error {
	if err := s.store.Credentials.DeleteCredential(ctx, cr.ID); err != nil {
		return err
	}
	return s.tell(ctx, "credential", "deleted", cr.ID, cr.ProjectID, about{Name: cr.Type, By: by(ctx)})
}

// EnrolmentURI is what an authenticator reads to enrol with a credential of type totp; empty for others.
func (s *Service) EnrolmentURI(ctx context.Context, cr Credential) (string, error) {
	if cr.Type != CredentialTOTP {
		return "", nil
	}
	u, err := s.store.Users.User(ctx, cr.UserID)
	return enrolmentURI(u.Name, cr.Blob), err
}

// EC2 is a credential of type ec2 in EC2's words.
type EC2 struct{ Access, Secret, UserID, ProjectID, TrustID, AppCredID string }

func ec2From(cr Credential) (EC2, error) {
	blob, err := ec2Blob(cr.Blob)
	if err != nil {
		return EC2{}, err
	}
	text := func(key string) string { v, _ := blob[key].(string); return v }
	return EC2{text("access"), text("secret"), cr.UserID, cr.ProjectID, text("trust_id"), text("app_cred_id")}, nil
}

// CreateEC2 makes a user's key for a project, drawn at random.
func (s *Service) CreateEC2(ctx context.Context, c *auth.Caller, userID, projectID string) (EC2, error) {
	if c.DomainID != "" || (!administers(c) && !isOwner(c, userID)) {
		return EC2{}, refused("identity:ec2_create_credential")
	}
	if _, err := s.store.Users.User(ctx, userID); err != nil {
		return EC2{}, err
	}
	if _, err := s.store.Projects.Project(ctx, projectID); err != nil {
		return EC2{}, err
	}
	raw, err := json.Marshal(map[string]string{"access": newID(), "secret": newID()})
	if err != nil {
		return EC2{}, err
	}
	cr, err := s.CreateCredential(ctx, c, Credential{UserID: userID, ProjectID: projectID, Type: CredentialEC2, Blob: string(raw)})
	if err != nil {
		return EC2{}, err
	}
	return ec2From(cr)
}

// ShowEC2 reads a user's key.
func (s *Service) ShowEC2(ctx context.Context, c *auth.Caller, userID, access string) (EC2, error) {
	cr, err := s.ec2(ctx, c, readsSecrets(c), userID, access, "identity:ec2_get_credential")
	if err != nil {
		return EC2{}, err
	}
	return ec2From(cr)
}

// ec2 finds the key before it asks who wants it, as Keystone does.
func (s *Service) ec2(ctx context.Context, c *auth.Caller, everybody bool, userID, access, policy string) (Credential, error) {
	cr, err := s.store.Credentials.Credential(ctx, ec2ID(access))
	if fault.Is(err, fault.NotFound) || (err == nil && cr.Type != CredentialEC2) {
		return Credential{}, fault.New(fault.NotFound, "Could not find credential: %s.", access)
	}
	if err != nil {
		return Credential{}, err
	}
	if !everybody && !isOwner(c, cr.UserID) {
		return Credential{}, refused(policy)
	}
	if cr.UserID != userID && !everybody { // who may do it for everybody need not know whose it is, as in Keystone
		return Credential{}, fault.New(fault.NotFound, "Could not find credential: %s.", access)
	}
	if err := inScope(c, cr.ProjectID); err != nil {
		return Credential{}, err
	}
	return s.openCredential(cr)
}

// ListEC2 reads a user's keys.
func (s *Service) ListEC2(ctx context.Context, c *auth.Caller, userID string) ([]EC2, error) {
	if !readsSecrets(c) && !isOwner(c, userID) {
		return nil, refused("identity:ec2_list_credentials")
	}
	if _, err := s.store.Users.User(ctx, userID); err != nil {
		return nil, err
	}
	f := CredentialFilter{UserID: userID, Type: CredentialEC2}
	if c.Delegated() {
		f.ProjectID = c.ProjectID
	}
	found, err := s.openAll(s.store.Credentials.ListCredentials(ctx, f, query.Page{}))
	keys := make([]EC2, len(found))
	for i := range found {
		if keys[i], err = ec2From(found[i]); err != nil {
			return nil, err
		}
	}
	return keys, err
}

// DeleteEC2 removes a user's key.
func (s *Service) DeleteEC2(ctx context.Context, c *auth.Caller, userID, access string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		cr, err := s.ec2(ctx, c, administers(c), userID, access, "identity:ec2_delete_credential")
		if err != nil {
			return err
		}
		return s.dropCredential(ctx, cr)
	})
}
