package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/compute"
)

// keyPair has all fields of a key pair's forms; each form shows some.
type keyPair struct {
	Name        string  `json:"name"`
	Type        string  `json:"type" since:"2.2"`
	PublicKey   string  `json:"public_key"`
	PrivateKey  string  `json:"private_key,omitempty"`
	Fingerprint string  `json:"fingerprint"`
	UserID      string  `json:"user_id,omitempty"`
	More        moreKey `json:"*"`
}

type moreKey = map[string]any

type keyPairOut struct {
	KeyPair keyPair `json:"keypair"`
}

type keyPairsOut struct {
	KeyPairs []keyPairOut `json:"keypairs"`
	Links    []link       `json:"keypairs_links,omitempty" since:"2.35"`
}

// createdKeyPair answers 200 in version 2.1 and 201 since.
type createdKeyPair struct {
	keyPairOut
	status int
}

// HTTPStatus implements the override of core/rest.
func (k createdKeyPair) HTTPStatus() int { return k.status }

type listKeyPairsIn struct {
	UserID string `query:"user_id"`
	Limit  *int   `query:"limit" check:"nonneg"`
	Marker string `query:"marker"`
}

type keyPairIn struct {
	Name   string `path:"keypair_name"`
	UserID string `query:"user_id"`
}

type createKeyPairIn struct {
	KeyPair struct {
		Name      string  `json:"name" check:"required,min=1,max=255"`
		Type      string  `json:"type" since:"2.2" check:"enum=ssh|x509"`
		PublicKey *string `json:"public_key" check:"min=1"`
		UserID    string  `json:"user_id" since:"2.10"`
	} `body:"keypair"`
}

var (
	keyName   = regexp.MustCompile(`^[A-Za-z0-9 _-]+$`)
	keyName92 = regexp.MustCompile(`^[A-Za-z0-9 _@.-]+$`)
)

// keyOwner is whose key pairs are meant: others' are for admins, since 2.10.
func keyOwner(ctx context.Context, userID string) (string, error) {
	caller := auth.From(ctx)
	switch {
	case userID == "" || userID == caller.UserID || !at(ctx, "2.10"):
		return caller.UserID, nil
	case !caller.Admin():
		return "", fault.New(fault.Forbidden, "the key pairs of other users are for admins only")
	}
	return userID, nil
}

func keyPairView(k *compute.KeyPair) keyPair {
	return keyPair{Name: k.Name, Type: "ssh", PublicKey: k.PublicKey, Fingerprint: k.Fingerprint}
}

func (a *api) listKeyPairs(ctx context.Context, in listKeyPairsIn) (keyPairsOut, error) {
	owner, err := keyOwner(ctx, in.UserID)
	if err != nil {
		return keyPairsOut{}, err
	}
	limit := 0
	if at(ctx, "2.35") {
		limit = maxPage
		if in.Limit != nil && *in.Limit > 0 {
			limit = min(limit, *in.Limit)
		}
		if in.Marker != "" {
			if _, err := a.core.ShowKeyPair(ctx, owner, in.Marker); err != nil {
				return keyPairsOut{}, fault.Invalidf("marker", "marker [%s] not found", in.Marker)
			}
		}
	} else {
		in.Marker = ""
	}
	found, err := a.core.ListKeyPairs(ctx, owner, in.Marker, limit)
	if err != nil {
		return keyPairsOut{}, err
	}
	var out keyPairsOut
	for i := range found {
		out.KeyPairs = append(out.KeyPairs, keyPairOut{keyPairView(&found[i])})
	}
	if limit > 0 {
		out.Links = nextLink(ctx, len(found), limit, func() string { return found[len(found)-1].Name })
	}
	return out, nil
}

func (a *api) createKeyPair(ctx context.Context, in createKeyPairIn) (createdKeyPair, error) {
	b := &in.KeyPair
	owner, err := keyOwner(ctx, b.UserID)
	if err != nil {
		return createdKeyPair{}, err
	}
	allowed, what := keyName, "letters, digits, space, underscore and hyphen"
	if at(ctx, "2.92") {
		allowed, what = keyName92, what+", @ and dot"
	}
	switch {
	case !allowed.MatchString(b.Name):
		return createdKeyPair{}, fault.Invalidf("keypair.name", "Keypair data is invalid: the name %q may have %s only", b.Name, what)
	case b.Type == "x509":
		return createdKeyPair{}, fault.Invalidf("keypair.type", "key pairs of type x509 are not offered: use ssh")
	case b.PublicKey == nil && at(ctx, "2.92"):
		return createdKeyPair{}, fault.Invalidf("keypair.public_key", "Invalid input: keypair.public_key is a required field; make the key yourself with ssh-keygen")
	}
	k, private, err := a.core.CreateKeyPair(ctx, owner, b.Name, text(b.PublicKey))
	if err != nil {
		return createdKeyPair{}, err
	}
	out := createdKeyPair{keyPairOut{keyPairView(&k)}, http.StatusCreated}
	out.KeyPair.PrivateKey, out.KeyPair.UserID = private, k.UserID
	if !at(ctx, "2.2") {
		out.status = http.StatusOK
	}
	return out, nil
}

func (a *api) showKeyPair(ctx context.Context, in keyPairIn) (keyPairOut, error) {
	owner, err := keyOwner(ctx, in.UserID)
	if err != nil {
		return keyPairOut{}, err
	}
	k, err := a.core.ShowKeyPair(ctx, owner, in.Name)
	if err != nil {
		return keyPairOut{}, missingKeyPair(err, owner)
	}
	out := keyPairView(&k)
	out.UserID = k.UserID
	out.More = moreKey{"id": k.Number, "created_at": micros(&k.CreatedAt), "updated_at": nil, "deleted": false, "deleted_at": nil}
	return keyPairOut{out}, nil
}

func (a *api) deleteKeyPair(ctx context.Context, in keyPairIn) (rest.None, error) {
	owner, err := keyOwner(ctx, in.UserID)
	if err != nil {
		return rest.None{}, err
	}
	return rest.None{}, missingKeyPair(a.core.DeleteKeyPair(ctx, owner, in.Name), owner)
}

func missingKeyPair(err error, owner string) error {
	if f := fault.Of(err); f.Class == fault.NotFound && f.Object == "keypair" {
		return &fault.Error{Class: fault.NotFound, Object: f.Object, ID: f.ID, Message: fmt.Sprintf("Keypair %s not found for user %s", f.ID, owner)}
	}
	return err
}
