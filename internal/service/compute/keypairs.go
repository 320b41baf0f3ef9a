package compute

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// KeyPair is a user's public key, under a name.
type KeyPair struct {
	UserID, Name string
	PublicKey    string // a line of authorized_keys
	Fingerprint  string // MD5, as Nova shows it
	Number       int64
	CreatedAt    time.Time
}

// CreateKeyPair keeps a public key. Without one it makes a pair and returns the private key, which is not kept.
func (s *Service) CreateKeyPair(ctx context.Context, userID, name, publicKey string) (k KeyPair, private string, err error) {
	k = KeyPair{UserID: userID, Name: name, PublicKey: strings.TrimRight(publicKey, "\r\n"), CreatedAt: s.now()}
	if publicKey == "" {
		if k.PublicKey, private, err = generateKey(); err != nil {
			return k, "", err
		}
	}
	parsed, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(k.PublicKey))
	if err != nil || len(rest) > 0 {
		return k, "", fault.Invalidf("keypair.public_key",
			"Keypair data is invalid: the public key is not one line as in ~/.ssh/id_ed25519.pub, such as \"ssh-ed25519 AAAA... me@home\"")
	}
	k.Fingerprint = ssh.FingerprintLegacyMD5(parsed)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		have, err := s.store.ListKeyPairs(ctx, userID, "", 0)
		if err != nil {
			return err
		}
		if most := s.settings.Quota.KeyPairs; most >= 0 && len(have) >= most {
			return fault.New(fault.QuotaExceeded, "Quota exceeded, too many key pairs: the user has %d of %d; delete some first", len(have), most)
		}
		return s.store.InsertKeyPair(ctx, k)
	})
	if db.IsUnique(err) {
		err = fault.Conflictf("keypair", name, "Key pair '%s' already exists.", name)
	}
	if err != nil {
		return k, "", err
	}
	return k, private, nil
}

func generateKey() (public, private string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("generating a key: %w", err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", fmt.Errorf("encoding the public key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "Generated-by-Aloft")
	if err != nil {
		return "", "", fmt.Errorf("encoding the private key: %w", err)
	}
	line := strings.TrimRight(string(ssh.MarshalAuthorizedKey(sshPub)), "\n") + " Generated-by-Aloft"
	return line, string(pem.EncodeToMemory(block)), nil
}

// ShowKeyPair returns a user's key pair.
func (s *Service) ShowKeyPair(ctx context.Context, userID, name string) (KeyPair, error) {
	return s.store.FindKeyPair(ctx, userID, name)
}

// ListKeyPairs returns a user's key pairs by name, after a name, at most limit (0: all).
func (s *Service) ListKeyPairs(ctx context.Context, userID, after string, limit int) ([]KeyPair, error) {
	return s.store.ListKeyPairs(ctx, userID, after, limit)
}

// DeleteKeyPair removes a user's key pair. Servers keep the copy that they were made with.
func (s *Service) DeleteKeyPair(ctx context.Context, userID, name string) error {
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.store.DeleteKeyPair(ctx, userID, name) })
}
