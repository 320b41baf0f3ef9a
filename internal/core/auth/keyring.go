package auth

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// KeySize is the length of a token key's secret in bytes.
const KeySize = chacha20poly1305.KeySize

// A sealed token is: format, key id, nonce, then the encoded token encrypted and authenticated with
// XChaCha20-Poly1305 (the tag is compared in constant time). The nonce is random, which at 24 bytes never repeats.
const (
	tokenFormat = 1
	headSize    = 1 + 4
	minSealed   = headSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
	maxSealed   = 8 << 10
)

// Key seals and opens tokens. All control nodes share the same keys.
type Key struct {
	ID        uint32
	Secret    []byte    // KeySize bytes
	SignsFrom time.Time // it opens tokens before this, so that every control node has it when the first one seals with it
}

// Keyring holds the keys that are in use. The newest whose time has come seals; all of them open. It is safe for
// concurrent use; the zero value holds no key.
type Keyring struct {
	keys atomic.Pointer[[]heldKey]
}

type heldKey struct {
	id        uint32
	signsFrom time.Time
	aead      cipher.AEAD
}

// Replace puts these keys in the place of those it held.
func (k *Keyring) Replace(keys []Key) error {
	held := make([]heldKey, 0, len(keys))
	for _, key := range keys {
		aead, err := chacha20poly1305.NewX(key.Secret)
		if err != nil {
			return fmt.Errorf("token key %d: %w", key.ID, err)
		}
		held = append(held, heldKey{key.ID, key.SignsFrom, aead})
	}
	slices.SortFunc(held, func(a, b heldKey) int { return a.signsFrom.Compare(b.signsFrom) })
	k.keys.Store(&held)
	return nil
}

// Seal writes the token for the client, a text of URL-safe characters.
func (k *Keyring) Seal(t *Token, now time.Time) (string, error) {
	key, err := k.sealing(now)
	if err != nil {
		return "", err
	}
	plain := t.encode()
	out := make([]byte, headSize+chacha20poly1305.NonceSizeX, minSealed+len(plain))
	out[0] = tokenFormat
	binary.BigEndian.PutUint32(out[1:], key.id)
	nonce := out[headSize:]
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(key.aead.Seal(out, nonce, plain, out[:headSize])), nil
}

// Open reads a token that Seal wrote. It does not look at the expiry or at revocations. Anything else than a token of
// these keys, unchanged, is a fault of class Unauthenticated.
func (k *Keyring) Open(sealed string) (*Token, error) {
	t, err := k.open(sealed)
	if err != nil {
		return nil, fault.Wrap(fault.Unauthenticated, err, "the token is not valid here; log in again to get another")
	}
	return t, nil
}

func (k *Keyring) open(sealed string) (*Token, error) {
	if len(sealed) > maxSealed {
		return nil, errMalformed
	}
	// Strict: one token has one text. Otherwise the unused bits of the last character could be changed.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) < minSealed || raw[0] != tokenFormat {
		return nil, errMalformed
	}
	id := binary.BigEndian.Uint32(raw[1:])
	held := k.keys.Load()
	if held == nil {
		return nil, errors.New("no token keys are loaded")
	}
	for _, key := range *held {
		if key.id != id {
			continue
		}
		body := raw[headSize+chacha20poly1305.NonceSizeX:]
		plain, err := key.aead.Open(body[:0], raw[headSize:headSize+chacha20poly1305.NonceSizeX], body, raw[:headSize])
		if err != nil {
			return nil, fmt.Errorf("opening with key %d: %w", id, err)
		}
		t := &Token{}
		return t, t.decode(plain)
	}
	return nil, fmt.Errorf("token key %d is not known", id)
}

// sealing picks the newest key whose time has come; where clocks differ so much that none has, the oldest.
func (k *Keyring) sealing(now time.Time) (*heldKey, error) {
	held := k.keys.Load()
	if held == nil || len(*held) == 0 {
		return nil, errors.New("no token keys are loaded")
	}
	keys := *held
	for i := len(keys) - 1; i > 0; i-- {
		if !keys[i].signsFrom.After(now) {
			return &keys[i], nil
		}
	}
	return &keys[0], nil
}
