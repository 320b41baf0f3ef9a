package api

import (
	"context"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

func (a *api) credentialRoutes() []rest.Route {
	return []rest.Route{
		get("/v3/credentials", "Lists credentials: one's own, or for administrators all.", "list_credentials", auth.Anyone, rest.Do(a.listCredentials)),
		asked(change(http.MethodPost, "/v3/credentials", "Stores a credential; of type totp, it enrols an authenticator.", "create_credential",
			"credential.create", rest.Do(a.createCredential))),
		get("/v3/credentials/{credential_id}", "Shows a credential; of type totp, otpauth_uri is what an authenticator reads as a QR code.",
			"get_credential", auth.Anyone, rest.Do(a.showCredential)),
		asked(change(http.MethodPatch, "/v3/credentials/{credential_id}", "Changes a credential.", "update_credential", "credential.update", rest.Do(a.updateCredential))),
		asked(change(http.MethodDelete, "/v3/credentials/{credential_id}", "Deletes a credential.", "delete_credential", "credential.delete", rest.Do(a.deleteCredential))),
	}
}

type credentialWire struct {
	ID         string         `json:"id"`
	UserID     string         `json:"user_id"`
	ProjectID  *string        `json:"project_id"`
	Type       string         `json:"type"`
	Blob       string         `json:"blob"`
	OTPAuthURI string         `json:"otpauth_uri,omitempty"`
	Links      selfLink       `json:"links"`
	Extra      map[string]any `json:"*"`
}

func credentialOf(ctx context.Context, c identity.Credential) credentialWire {
	return credentialWire{
		ID: c.ID, UserID: c.UserID, ProjectID: orNull(c.ProjectID), Type: c.Type, Blob: c.Blob,
		Links: self(ctx, "/credentials/"+c.ID), Extra: c.Extra,
	}
}

type credentialOut struct {
	Credential credentialWire `json:"credential"`
}

type credentialsOut struct {
	Credentials []credentialWire `json:"credentials"`

	listEnd
}

// one answers with a credential, and with how to enrol.
func (a *api) one(ctx context.Context, c identity.Credential, err error) (credentialOut, error) {
	if err != nil {
		return credentialOut{}, err
	}
	w := credentialOf(ctx, c)
	w.OTPAuthURI, err = a.core.EnrolmentURI(ctx, c)
	return credentialOut{w}, err
}

type credentialBody struct {
	UserID    *string          `json:"user_id"`
	ProjectID rest.Opt[string] `json:"project_id"`
	Type      *string          `json:"type" check:"min=1,max=255"`
	Blob      *string          `json:"blob"`
	Extra     map[string]any   `json:"*"`
}

func (b credentialBody) extras() map[string]any {
	out := extras(b.Extra)
	delete(out, "otpauth_uri")
	return out
}

func (a *api) createCredential(ctx context.Context, in struct {
	Credential credentialBody `body:"credential"`
},
) (credentialOut, error) {
	b := in.Credential
	for name, value := range map[string]*string{"blob": b.Blob, "type": b.Type, "user_id": b.UserID} {
		if value == nil {
			return credentialOut{}, required("credential." + name)
		}
	}
	c, err := a.core.CreateCredential(ctx, auth.From(ctx), identity.Credential{
		UserID: *b.UserID, ProjectID: b.ProjectID.Value, Type: *b.Type, Blob: *b.Blob, Extra: b.extras(),
	})
	return a.one(ctx, c, err)
}

type credentialIn struct {
	ID string `path:"credential_id"`
}

func (a *api) showCredential(ctx context.Context, in credentialIn) (credentialOut, error) {
	c, err := a.core.ShowCredential(ctx, auth.From(ctx), in.ID)
	return a.one(ctx, c, err)
}

func (a *api) listCredentials(ctx context.Context, in struct {
	rest.List
	nameless
	UserID string `query:"user_id"`
	Type   string `query:"type"`
},
) (credentialsOut, error) {
	page, err := in.Page("id", maxPage)
	if err != nil {
		return credentialsOut{}, err
	}
	found, err := a.core.ListCredentials(ctx, auth.From(ctx), identity.CredentialFilter{UserID: in.UserID, Type: in.Type}, page)
	found = known(in.nameless, found)
	return credentialsOut{
		wires(ctx, found, credentialOf),
		links(ctx, page.Limit, len(found), func() string { return found[len(found)-1].ID }),
	}, err
}

func (a *api) updateCredential(ctx context.Context, in struct {
	credentialIn
	Credential credentialBody `body:"credential"`
},
) (credentialOut, error) {
	b := in.Credential
	if err := sameID("credential", in.ID, b.Extra); err != nil {
		return credentialOut{}, err
	}
	c, err := a.core.UpdateCredential(ctx, auth.From(ctx), in.ID, identity.CredentialChange{
		UserID: b.UserID, ProjectID: text(b.ProjectID), Type: b.Type, Blob: b.Blob, Extra: b.extras(),
	})
	return a.one(ctx, c, err)
}

func (a *api) deleteCredential(ctx context.Context, in credentialIn) (rest.None, error) {
	return rest.None{}, a.core.DeleteCredential(ctx, auth.From(ctx), in.ID)
}
