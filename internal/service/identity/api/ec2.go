package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/identity"
)

// validators are the services that check signatures, and administrators.
func validators(c *auth.Caller) bool { return c.Admin() || c.Has(identity.RoleService) }

func (a *api) ec2Routes() []rest.Route {
	const keys = "/v3/users/{user_id}/credentials/OS-EC2"
	exchange := func(path, doc, policy string, do rest.Handler) rest.Route {
		return rest.Route{
			Method: http.MethodPost, Path: path, Doc: doc, Policy: auth.P("identity:"+policy, validators), Audit: "identity.token.create_signed",
			Status: http.StatusOK, Do: do,
		}
	}
	return []rest.Route{
		get(keys, "Lists the EC2 keys of a user.", "ec2_list_credentials", auth.Anyone, rest.Do(a.listEC2)),
		asked(change(http.MethodPost, keys, "Creates an EC2 key for a user and a project.", "ec2_create_credential", "ec2_credential.create", rest.Do(a.createEC2))),
		get(keys+"/{access}", "Shows an EC2 key of a user.", "ec2_get_credential", auth.Anyone, rest.Do(a.showEC2)),
		asked(change(http.MethodDelete, keys+"/{access}", "Deletes an EC2 key of a user.", "ec2_delete_credential", "ec2_credential.delete", rest.Do(a.deleteEC2))),
		exchange("/v3/ec2tokens", "Makes a token for who signed an EC2 request, in AWS's version 2 or 4.", "ec2tokens_validate", rest.Do(a.ec2Token)),
		exchange("/v3/s3tokens", "Makes a token for who signed an S3 request.", "s3tokens_validate", rest.Do(a.s3Token)),
	}
}

type ec2Wire struct {
	Access   string   `json:"access"`
	Secret   string   `json:"secret"`
	UserID   string   `json:"user_id"`
	TenantID string   `json:"tenant_id"`
	TrustID  *string  `json:"trust_id"`
	Links    selfLink `json:"links"`
}

func ec2Of(ctx context.Context, k identity.EC2) ec2Wire {
	return ec2Wire{k.Access, k.Secret, k.UserID, k.ProjectID, orNull(k.TrustID), self(ctx, "/users/"+k.UserID+"/credentials/OS-EC2/"+k.Access)}
}

type ec2Out struct {
	Credential ec2Wire `json:"credential"`
}

type ec2sOut struct {
	Credentials []ec2Wire `json:"credentials"`

	listEnd
}

func (a *api) listEC2(ctx context.Context, in struct {
	userIn
	pageIn
},
) (ec2sOut, error) {
	found, err := a.core.ListEC2(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return ec2sOut{}, err
	}
	found, at, err := part(ctx, in.pageIn, found, func(k identity.EC2) string { return k.Access })
	return ec2sOut{wires(ctx, found, ec2Of), at}, err
}

func (a *api) createEC2(ctx context.Context, in struct {
	userIn
	Body struct {
		TenantID string `json:"tenant_id" check:"required"`
	} `body:"."`
},
) (ec2Out, error) {
	k, err := a.core.CreateEC2(ctx, auth.From(ctx), in.ID, in.Body.TenantID)
	return ec2Out{ec2Of(ctx, k)}, err
}

type ec2In struct {
	UserID string `path:"user_id"`
	Access string `path:"access"`
}

func (a *api) showEC2(ctx context.Context, in ec2In) (ec2Out, error) {
	k, err := a.core.ShowEC2(ctx, auth.From(ctx), in.UserID, in.Access)
	return ec2Out{ec2Of(ctx, k)}, err
}

func (a *api) deleteEC2(ctx context.Context, in ec2In) (rest.None, error) {
	return rest.None{}, a.core.DeleteEC2(ctx, auth.From(ctx), in.UserID, in.Access)
}

// signedBody is a signed request as a service describes it. Services have called it by three names.
type signedBody struct {
	Access    string         `json:"access"`
	Signature string         `json:"signature"`
	Verb      string         `json:"verb"`
	Host      string         `json:"host"`
	Path      string         `json:"path"`
	Params    map[string]any `json:"params"`
	Headers   map[string]any `json:"headers"`
	BodyHash  string         `json:"body_hash"`
	Token     string         `json:"token"`
	Rest      map[string]any `json:"*"`
}

type signedIn struct {
	Credentials    *signedBody `body:"credentials"`
	Credential     *signedBody `body:"credential"`
	EC2Credentials *signedBody `body:"ec2Credentials"`
	Auth           *any        `body:"auth"`
}

func (in signedIn) body() (*signedBody, error) {
	for _, b := range []*signedBody{in.Credentials, in.Credential, in.EC2Credentials} {
		if b != nil {
			return b, nil
		}
	}
	return nil, fault.New(fault.Unauthenticated, "EC2 Signature not supplied: the body needs credentials with access and signature.")
}

func texts(from map[string]any) map[string]string {
	out := make(map[string]string, len(from))
	for k, v := range from {
		out[k] = fmt.Sprint(v)
	}
	return out
}

func (a *api) ec2Token(ctx context.Context, in signedIn) (tokenOut, error) {
	b, err := in.body()
	if err != nil {
		return tokenOut{}, err
	}
	t, sealed, err := a.core.LogInSigned(ctx, identity.SignedRequest{
		Access: b.Access, Signature: b.Signature, Verb: b.Verb, Host: b.Host, Path: b.Path,
		Params: texts(b.Params), Headers: texts(b.Headers), BodyHash: b.BodyHash,
	})
	if err != nil {
		return tokenOut{}, err
	}
	return a.tokenOut(t, sealed, true), nil
}

func (a *api) s3Token(ctx context.Context, in signedIn) (tokenOut, error) {
	b, err := in.body()
	if err != nil {
		return tokenOut{}, err
	}
	signed, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(b.Token), "="))
	if err != nil || len(signed) == 0 {
		return tokenOut{}, fault.Invalidf("credentials.token", "Invalid input for field credentials.token: it is the string to sign, in URL-safe base64")
	}
	t, _, err := a.core.LogInSigned(ctx, identity.SignedRequest{Access: b.Access, Signature: b.Signature, StringToSign: string(signed)})
	if err != nil {
		return tokenOut{}, err
	}
	return a.tokenOut(t, "", true), nil
}
