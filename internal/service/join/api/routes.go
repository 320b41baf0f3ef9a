// Package api is join's part of Aloft's own API.
package api

import (
	"context"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/join"
)

type api struct{ core *join.Service }

// Routes are join's part of Aloft's own API.
func Routes(core *join.Service) []rest.Route {
	a := &api{core}
	const tokens = "/join-tokens"
	return []rest.Route{
		{Method: "POST", Path: tokens, Policy: auth.P("aloft:join_token:create", auth.AdminOnly), Audit: "aloft.join_token.create", Doc: "Makes a token by which hosts join. It is shown in this answer only.", Do: rest.Do(a.create)},
		{Method: "GET", Path: tokens, Policy: auth.P("aloft:join_token:list", auth.AdminOnly), Doc: "Lists the tokens by which hosts can still join, without their secrets.", Do: rest.Do(a.list)},
		{Method: "DELETE", Path: tokens + "/{token_id}", Policy: auth.P("aloft:join_token:delete", auth.AdminOnly), Audit: "aloft.join_token.delete", Doc: "Makes a token useless at once; hosts that have joined by it stay.", Do: rest.Do(a.remove)},
		{Method: "POST", Path: strings.TrimPrefix(protocol.JoinPath, "/v1"), Policy: auth.NoToken("aloft:join"), Audit: "aloft.host.join", Doc: "Lets a host in that shows a join token: answers its certificate, and where the bus and OVN's southbound database are.", Do: rest.Do(a.join)},
	}
}

type token struct {
	ID        string `json:"id"`
	Token     string `json:"token,omitempty"`
	Uses      int    `json:"uses"` // that are left
	ExpiresAt string `json:"expires_at"`
	CreatedAt string `json:"created_at"`
}

type tokenOut struct {
	Token token `json:"join_token"`
}

func view(t join.Token) token {
	return token{ID: t.ID, Uses: t.Uses, ExpiresAt: t.ExpiresAt.Format(time.RFC3339), CreatedAt: t.CreatedAt.Format(time.RFC3339)}
}

type createIn struct {
	Token struct {
		Uses *int `json:"uses"` // hosts that may join by it; default 1
		Life *int `json:"life"` // seconds; default 3600
	} `body:"join_token"`
}

func (a *api) create(ctx context.Context, in createIn) (tokenOut, error) {
	uses, life := 1, 3600
	if in.Token.Uses != nil {
		uses = *in.Token.Uses
	}
	if in.Token.Life != nil {
		life = min(*in.Token.Life, 1<<31) // what is too long is refused, and does not overflow
	}
	t, text, err := a.core.CreateToken(ctx, uses, time.Duration(life)*time.Second)
	out := view(t)
	out.Token = text.String()
	return tokenOut{out}, err
}

type listOut struct {
	Tokens []token `json:"join_tokens"`
}

func (a *api) list(ctx context.Context, _ struct{}) (listOut, error) {
	tokens, err := a.core.ListTokens(ctx)
	out := listOut{make([]token, len(tokens))}
	for i, t := range tokens {
		out.Tokens[i] = view(t)
	}
	return out, err
}

type removeIn struct {
	ID string `path:"token_id"`
}

func (a *api) remove(ctx context.Context, in removeIn) (struct{}, error) {
	return struct{}{}, a.core.DeleteToken(ctx, in.ID)
}

type joinIn struct {
	Token   string `body:"token" check:"max=255"`
	HostID  string `body:"host_id" check:"max=64"`
	Version int    `body:"version"`
	Request string `body:"request" check:"max=8192"`
}

func (a *api) join(ctx context.Context, in joinIn) (protocol.Membership, error) {
	return a.core.Join(ctx, protocol.Join{Token: in.Token, HostID: in.HostID, Version: in.Version, Request: in.Request})
}
