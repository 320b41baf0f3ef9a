package auth

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Token is everything that a token says, so that it is verified and answered without a read of the database.
type Token struct {
	Caller
	RoleIDs []string // the ids of Caller.Roles, in the same order
	// Receipt marks what is no token: it only proves that the user has passed Methods.
	Receipt bool
}

// Expired tells whether the token is past its time.
func (t *Token) Expired(now time.Time) bool { return !now.Before(t.ExpiresAt) }

// The fields of an encoded token. A number, once used, keeps its meaning for ever; a token with a number that the
// reader does not know is refused, because it may be a limit of what the token permits.
const (
	fieldUserID byte = 1 + iota
	fieldUserName
	fieldUserDomainID
	fieldUserDomainName
	fieldProjectID
	fieldProjectName
	fieldProjectDomainID
	fieldProjectDomainName
	fieldDomainID
	fieldDomainName
	fieldSystem
	fieldRoleID
	fieldRole
	fieldMethod
	fieldAuditID
	fieldIssuedAt
	fieldExpiresAt
	fieldPasswordExpiresAt
	fieldAppCredID
	fieldAppCredName
	fieldTrustID
	fieldTrustorID
	fieldTrusteeID
	fieldUnrestricted
	fieldImpersonates
	fieldAccessRule
	fieldDelegator
	fieldReceipt
)

var errMalformed = errors.New("malformed token")

// idLength is the length of an id as text; such an id travels as half as many bytes.
const idLength = 32

// encode writes the token as a row of fields: number, length and form, bytes. Empty fields are left out.
func (t *Token) encode() []byte {
	b := make([]byte, 0, 384)
	for number := fieldUserID; number <= fieldDomainName; number++ {
		if t.homely() && (number == fieldProjectDomainID || number == fieldProjectDomainName) {
			continue // decode copies them
		}
		b = appendText(b, number, *t.text(number))
	}
	if t.System {
		b = appendText(b, fieldSystem, "1")
	}
	for number := fieldRoleID; number <= fieldAuditID; number++ {
		for _, v := range *t.texts(number) {
			b = appendText(b, number, v)
		}
	}
	b = appendTime(b, fieldIssuedAt, t.IssuedAt)
	b = appendTime(b, fieldExpiresAt, t.ExpiresAt)
	return t.encodeDelegation(b)
}

func (t *Token) encodeDelegation(b []byte) []byte {
	if !t.PasswordExpiresAt.IsZero() {
		b = appendTime(b, fieldPasswordExpiresAt, t.PasswordExpiresAt)
	}
	for number := fieldAppCredID; number <= fieldTrusteeID; number++ {
		b = appendText(b, number, *t.text(number))
	}
	if t.Unrestricted {
		b = appendText(b, fieldUnrestricted, "1")
	}
	if t.Receipt {
		b = appendText(b, fieldReceipt, "1")
	}
	if t.Impersonates {
		b = appendText(b, fieldImpersonates, "1")
	}
	for number := fieldAccessRule; number <= fieldDelegator; number++ {
		for _, v := range *t.texts(number) {
			b = appendText(b, number, v)
		}
	}
	return b
}

// homely tells whether the project is in the user's own domain, as most are.
func (t *Token) homely() bool {
	return t.ProjectID != "" && t.ProjectDomainID == t.UserDomainID && t.ProjectDomainName == t.UserDomainName
}

// text is where a field of one text is kept.
func (t *Token) text(number byte) *string {
	switch number {
	case fieldUserID:
		return &t.UserID
	case fieldUserName:
		return &t.UserName
	case fieldUserDomainID:
		return &t.UserDomainID
	case fieldUserDomainName:
		return &t.UserDomainName
	case fieldProjectID:
		return &t.ProjectID
	case fieldProjectName:
		return &t.ProjectName
	case fieldProjectDomainID:
		return &t.ProjectDomainID
	case fieldProjectDomainName:
		return &t.ProjectDomainName
	case fieldDomainID:
		return &t.DomainID
	case fieldDomainName:
		return &t.DomainName
	case fieldAppCredID:
		return &t.AppCredID
	case fieldAppCredName:
		return &t.AppCredName
	case fieldTrustID:
		return &t.TrustID
	case fieldTrustorID:
		return &t.TrustorID
	case fieldTrusteeID:
		return &t.TrusteeID
	}
	return nil
}

// texts is where a field that may repeat is kept.
func (t *Token) texts(number byte) *[]string {
	switch number {
	case fieldRoleID:
		return &t.RoleIDs
	case fieldRole:
		return &t.Roles
	case fieldMethod:
		return &t.Methods
	case fieldAuditID:
		return &t.AuditIDs
	case fieldAccessRule:
		return &t.AccessRules
	case fieldDelegator:
		return &t.Delegators
	}
	return nil
}

func (t *Token) set(number byte, v string) error {
	if p := t.text(number); p != nil {
		*p = v
		return nil
	}
	if p := t.texts(number); p != nil {
		*p = append(*p, v)
		return nil
	}
	switch number {
	case fieldSystem:
		t.System = true
		return nil
	case fieldIssuedAt:
		return parseTime(&t.IssuedAt, v)
	case fieldExpiresAt:
		return parseTime(&t.ExpiresAt, v)
	case fieldPasswordExpiresAt:
		return parseTime(&t.PasswordExpiresAt, v)
	case fieldUnrestricted:
		t.Unrestricted = true
		return nil
	case fieldReceipt:
		t.Receipt = true
		return nil
	case fieldImpersonates:
		t.Impersonates = true
		return nil
	}
	return fmt.Errorf("%w: unknown field %d", errMalformed, number)
}

// decode reads what encode wrote.
func (t *Token) decode(b []byte) error {
	for len(b) > 0 {
		number := b[0]
		head, n := binary.Uvarint(b[1:])
		if n <= 0 || head>>1 > uint64(len(b)-1-n) {
			return errMalformed
		}
		size := int(head >> 1)
		v := b[1+n : 1+n+size]
		b = b[1+n+size:]
		text := string(v)
		if head&1 == 1 {
			text = hex.EncodeToString(v)
		}
		if err := t.set(number, text); err != nil {
			return err
		}
	}
	if t.ProjectID != "" && t.ProjectDomainID == "" {
		t.ProjectDomainID, t.ProjectDomainName = t.UserDomainID, t.UserDomainName
	}
	if len(t.Roles) != len(t.RoleIDs) || t.UserID == "" || t.ExpiresAt.IsZero() {
		return errMalformed
	}
	return nil
}

// appendText adds a field. The lowest bit of the length says that the bytes are an id in hexadecimal digits.
func appendText(b []byte, number byte, v string) []byte {
	if v == "" {
		return b
	}
	b = append(b, number)
	if raw, ok := packID(v); ok {
		b = binary.AppendUvarint(b, uint64(len(raw))<<1|1)
		return append(b, raw...)
	}
	b = binary.AppendUvarint(b, uint64(len(v))<<1)
	return append(b, v...)
}

// packID returns the bytes of an id, if v is exactly as an id is written: 32 digits in lower case.
func packID(v string) ([]byte, bool) {
	if len(v) != idLength {
		return nil, false
	}
	raw, err := hex.DecodeString(v)
	if err != nil || hex.EncodeToString(raw) != v {
		return nil, false
	}
	return raw, true
}

func appendTime(b []byte, number byte, at time.Time) []byte {
	b = append(b, number, 8<<1)
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
}

func parseTime(to *time.Time, v string) error {
	if len(v) != 8 {
		return errMalformed
	}
	*to = time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(v)))).UTC()
	return nil
}
