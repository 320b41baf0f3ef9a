package identity

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// keyLead is how long before its first use a new key is in the table: long enough for every control node to load it.
const keyLead = 2 * time.Minute

// keyring is the token keys in memory, and how they get there from the table. A new key is added when the newest has
// sealed for KeyAge; an old one is deleted when no token that it sealed can be alive.
type keyring struct {
	auth.Keyring
	master cipher.AEAD
	store  Tokens
}

func newKeyring(master []byte, store Tokens) (*keyring, error) {
	aead, err := chacha20poly1305.NewX(master)
	if err != nil {
		return nil, fmt.Errorf("the master key: %w", err)
	}
	return &keyring{master: aead, store: store}, nil
}

// load reads the keys of the table into memory.
func (k *keyring) load(ctx context.Context) ([]SealedKey, error) {
	sealed, err := k.store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]auth.Key, len(sealed))
	for i, s := range sealed {
		if keys[i], err = k.unseal(s); err != nil {
			return nil, err
		}
	}
	return sealed, k.Replace(keys)
}

// rotate adds a key if it is time, deletes those that are of no use, and loads what is then there.
func (k *keyring) rotate(ctx context.Context, tx Tx, now time.Time, age time.Duration) error {
	keys, err := k.load(ctx)
	if err != nil {
		return err
	}
	if _, due := nextKey(keys, now, age); !due && len(retired(keys, now)) == 0 {
		return nil
	}
	err = tx.Tx(ctx, func(ctx context.Context) error {
		keys, err := k.store.Keys(ctx)
		if err != nil {
			return err
		}
		next, due := nextKey(keys, now, age)
		if due {
			sealed, err := k.make(next)
			if err != nil {
				return err
			}
			if err := k.store.InsertKey(ctx, sealed); err != nil {
				return err
			}
		}
		return k.store.DeleteKeys(ctx, retired(keys, now))
	})
	if err != nil && !fault.Is(err, fault.Conflict) { // Conflict: another control node was faster
		return err
	}
	_, err = k.load(ctx)
	return err
}

// nextKey tells whether a key is due, and its id and time. Keys are sorted by id.
func nextKey(keys []SealedKey, now time.Time, age time.Duration) (auth.Key, bool) {
	if len(keys) == 0 {
		return auth.Key{ID: 1, SignsFrom: now}, true
	}
	newest := keys[len(keys)-1]
	return auth.Key{ID: newest.ID + 1, SignsFrom: now.Add(keyLead)}, now.Add(keyLead).Sub(newest.SignsFrom) >= age
}

// retired are the keys whose successor has sealed for so long that all their tokens have expired.
func retired(keys []SealedKey, now time.Time) []uint32 {
	var ids []uint32
	for i := 1; i < len(keys); i++ {
		if now.Sub(keys[i].SignsFrom) > maxTokenLife+expiredWindow+keyLead {
			ids = append(ids, keys[i-1].ID)
		}
	}
	return ids
}

// make draws the secret of a key and encrypts it.
func (k *keyring) make(key auth.Key) (SealedKey, error) {
	secret := make([]byte, auth.KeySize)
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+auth.KeySize+chacha20poly1305.Overhead)
	for _, random := range [][]byte{secret, nonce} {
		if _, err := rand.Read(random); err != nil {
			return SealedKey{}, fmt.Errorf("reading random bytes: %w", err)
		}
	}
	sealed := k.master.Seal(nonce, nonce, secret, keyLabel(key.ID))
	return SealedKey{ID: key.ID, Secret: base64.StdEncoding.EncodeToString(sealed), SignsFrom: key.SignsFrom}, nil
}

func (k *keyring) unseal(s SealedKey) (auth.Key, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Secret)
	if err != nil || len(raw) < chacha20poly1305.NonceSizeX {
		return auth.Key{}, fmt.Errorf("token key %d in the database is damaged", s.ID)
	}
	secret, err := k.master.Open(nil, raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:], keyLabel(s.ID))
	if err != nil {
		return auth.Key{}, fault.Wrap(fault.Unavailable, err,
			"token key %d in the database was encrypted with another master key: give every control node the same one", s.ID)
	}
	return auth.Key{ID: s.ID, Secret: secret, SignsFrom: s.SignsFrom}, nil
}

// keyLabel binds an encrypted secret to its row.
func keyLabel(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte("token key "), id) }
