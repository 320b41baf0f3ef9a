package identity

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// sealText encrypts a text with the master key. The label binds it to its row.
func (k *keyring) sealText(label, text string) (string, error) {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(text)+chacha20poly1305.Overhead)
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return base64.StdEncoding.EncodeToString(k.master.Seal(nonce, nonce, []byte(text), []byte(label))), nil
}

// openText decrypts what sealText wrote.
func (k *keyring) openText(label, sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < chacha20poly1305.NonceSizeX {
		return "", fmt.Errorf("%s in the database is damaged", label)
	}
	text, err := k.master.Open(nil, raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:], []byte(label))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "%s in the database was encrypted with another master key: give every control node the same one", label)
	}
	return string(text), nil
}
