package join

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Member is a host that has joined.
type Member struct {
	HostID   string
	Key      string // SHA-256 of its public key in hex
	TokenID  string // that it joined by
	JoinedAt time.Time
}

// Config says where hosts find what they need. Empty lists mean that this control node cannot be reached from other machines.
type Config struct {
	Bus        []string // URLs of the control nodes' bus
	Southbound []string // OVN's southbound database
}

// Service lets hosts in.
type Service struct {
	cfg    Config
	store  Store
	signer Signer
	hosts  Hosts
	log    *slog.Logger
}

// New returns the service.
func New(cfg Config, store Store, signer Signer, hosts Hosts, log *slog.Logger) *Service {
	return &Service{cfg: cfg, store: store, signer: signer, hosts: hosts, log: log}
}

func (s *Service) reachable() error {
	if len(s.cfg.Bus) == 0 || len(s.cfg.Southbound) == 0 {
		return fault.New(fault.Conflict, "hosts on other machines cannot reach this control node: start it with --address and its "+
			"address for them, such as `aloft up --address 10.0.0.1 --listen 0.0.0.0:8443`")
	}
	return nil
}

// Join lets a host in that shows a token, and answers what it needs.
func (s *Service) Join(ctx context.Context, r protocol.Join) (protocol.Membership, error) {
	if _, err := uuid.Parse(r.HostID); err != nil {
		return protocol.Membership{}, fault.Invalidf("host_id", "host_id must be a UUID, but is %q", r.HostID)
	}
	if r.Version != protocol.Version {
		return protocol.Membership{}, fault.Invalidf("version", "this control plane speaks version %d of the protocol with hosts, and the host speaks %d: "+
			"install the same aloft on both", protocol.Version, r.Version)
	}
	key, err := pki.RequestKey([]byte(r.Request))
	if err != nil {
		return protocol.Membership{}, err
	}
	if err := s.reachable(); err != nil {
		return protocol.Membership{}, err
	}
	if err := s.store.Tx(ctx, func(ctx context.Context) error { return s.admit(ctx, r, key) }); err != nil {
		return protocol.Membership{}, err
	}
	s.log.InfoContext(ctx, "a host has joined", "host", r.HostID)
	return s.membership(r.HostID, key)
}

// admit makes a member of a host, unless it is one by the same key.
func (s *Service) admit(ctx context.Context, r protocol.Join, key crypto.PublicKey) error {
	t, err := s.check(ctx, r.Token)
	if err != nil {
		return err
	}
	print, err := keyPrint(key)
	if err != nil {
		return err
	}
	m, err := s.store.FindMember(ctx, r.HostID)
	switch {
	case err == nil && m.Key == print:
		return nil // the answer to its first request was lost
	case err == nil:
		return fault.New(fault.Conflict, "host %s has joined before, with another key: it renews its certificate by itself; a host whose data is "+
			"lost joins as a new one", r.HostID)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	known, err := s.hosts.KnowsHost(ctx, r.HostID)
	if err != nil {
		return err
	}
	if known {
		return fault.New(fault.Conflict, "host %s is here already and has not joined by a token: it is a control node's own", r.HostID)
	}
	if err := s.store.UseToken(ctx, t.ID); err != nil {
		return err
	}
	return s.store.InsertMember(ctx, Member{HostID: r.HostID, Key: print, TokenID: t.ID, JoinedAt: time.Now().UTC().Truncate(time.Microsecond)})
}

// Renew gives a member a new certificate for its key. The bus has made sure that it is the host.
func (s *Service) Renew(ctx context.Context, hostID string, r protocol.Renew) (protocol.Membership, error) {
	key, err := pki.RequestKey([]byte(r.Request))
	if err != nil {
		return protocol.Membership{}, err
	}
	print, err := keyPrint(key)
	if err != nil {
		return protocol.Membership{}, err
	}
	m, err := s.store.FindMember(ctx, hostID)
	if fault.Is(err, fault.NotFound) || err == nil && m.Key != print {
		return protocol.Membership{}, fault.New(fault.Forbidden, "host %s has not joined with this key", hostID)
	}
	if err != nil {
		return protocol.Membership{}, err
	}
	return s.membership(hostID, key)
}

func (s *Service) membership(hostID string, key crypto.PublicKey) (protocol.Membership, error) {
	cert, err := s.signer.SignHost(hostID, key)
	if err != nil {
		return protocol.Membership{}, err
	}
	return protocol.Membership{CA: string(s.signer.CAPEM()), Certificate: string(cert), Bus: s.cfg.Bus, Southbound: s.cfg.Southbound}, nil
}

func keyPrint(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the host's key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
