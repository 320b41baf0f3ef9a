package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 names it, and what authenticators compute; its weakness is not one of HMAC
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// What all authenticators understand: six digits that change twice a minute (RFC 6238).
const (
	passcodeDigits = 6
	passcodePeriod = 30 * time.Second
	minTOTPSecret  = 10 // bytes
)

func isMissing(err error) bool { return fault.Is(err, fault.NotFound) }

// passcode is the passcode of a step of time (RFC 4226, 5.3).
func passcode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", passcodeDigits, number%1_000_000)
}

func stepAt(now time.Time) int64 { return now.Unix() / int64(passcodePeriod/time.Second) }

// decodeTOTP reads the secret of an authenticator, base32 with or without padding and spaces.
func decodeTOTP(blob string) ([]byte, error) {
	text := strings.TrimRight(strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(blob), " ", "")), "=")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) < minTOTPSecret {
		return nil, fault.Invalidf("credential.blob", "Invalid input for field blob: the blob of a totp credential is base32 of at least %d bytes", minTOTPSecret)
	}
	return secret, nil
}

// passcodeOf tells whether a passcode is good for one of the user's devices, and uses it up.
func (s *Service) passcodeOf(ctx context.Context, u User, given string) (bool, error) {
	enrolled, err := s.store.Credentials.ListCredentials(ctx, CredentialFilter{UserID: orNobody(u.ID), Type: CredentialTOTP}, query.Page{})
	if err != nil {
		return false, err
	}
	now := stepAt(s.now())
	for _, c := range enrolled {
		blob, err := s.keys.openText(credentialLabel(c.ID), c.Blob)
		if err != nil {
			return false, err
		}
		secret, err := decodeTOTP(blob)
		if err != nil {
			s.log.Warn("a totp credential holds no secret that can be used", "credential", c.ID, "user", u.ID)
			continue
		}
		good := int64(-1)
		for back := int64(max(s.guard.PasscodeWindow, 0)); back >= 0; back-- {
			if subtle.ConstantTimeCompare([]byte(passcode(secret, now-back)), []byte(given)) == 1 {
				good = now - back
			}
		}
		if good < 0 {
			continue
		}
		first := false
		err = s.db.Tx(ctx, func(ctx context.Context) (err error) {
			first, err = s.store.Credentials.UseStep(ctx, c.ID, good)
			return err
		})
		return first, err
	}
	return false, nil
}

// orNobody keeps a filter for nobody from selecting everybody.
func orNobody(id string) string {
	if id == "" {
		return "-"
	}
	return id
}

// enrolmentURI is what authenticators read as a QR code.
func enrolmentURI(userName, blob string) string {
	secret := strings.TrimRight(strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(blob), " ", "")), "=")
	q := url.Values{"secret": {secret}, "issuer": {"Aloft"}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(passcodeDigits)}, "period": {"30"}}
	return "otpauth://totp/" + url.PathEscape("Aloft:"+userName) + "?" + q.Encode()
}
