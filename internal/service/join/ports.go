package join

import (
	"context"
	"crypto"
	"time"
)

// Store keeps tokens and members.
type Store interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error

	InsertToken(ctx context.Context, t Token) error
	// FindToken returns NotFound if there is none, and finds expired ones too.
	FindToken(ctx context.Context, id string) (Token, error)
	ListTokens(ctx context.Context, now time.Time) ([]Token, error)
	DeleteToken(ctx context.Context, id string) error
	DeleteExpired(ctx context.Context, now time.Time) error
	// UseToken takes one use, and returns Conflict if none is left.
	UseToken(ctx context.Context, id string) error

	InsertMember(ctx context.Context, m Member) error
	// FindMember returns NotFound if the host has not joined.
	FindMember(ctx context.Context, hostID string) (Member, error)
}

// Signer is the installation's authority.
type Signer interface {
	CAPEM() []byte
	Fingerprint() string
	SignHost(id string, key crypto.PublicKey) ([]byte, error)
}

// Hosts knows the hosts that report, some of which have never joined: a control node's own.
type Hosts interface {
	KnowsHost(ctx context.Context, id string) (bool, error)
}
