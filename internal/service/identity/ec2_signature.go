package identity

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // signature version 2 of AWS may name it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// SignedRequest is a request that somebody signed with the secret of an EC2 credential, as the service that got it
// describes it.
type SignedRequest struct {
	Access, Signature string
	Verb, Host, Path  string
	Params, Headers   map[string]string
	BodyHash          string // SHA-256 of the body in hexadecimal digits, for version 4
	// StringToSign is all that was signed, of S3's requests; the other fields but the first two are then empty.
	StringToSign string
}

const aws4 = "AWS4-HMAC-SHA256"

// signedFor is how old a signature may be, and how far ahead the signer's clock.
const signedFor = 15 * time.Minute

func badSignature(why string) error {
	return fault.New(fault.Unauthenticated, "Invalid EC2 signature: %s.", why)
}

// header finds a header whatever the case of its name.
func (r SignedRequest) header(name string) string {
	for k, v := range r.Headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// check compares the signature in constant time.
func (r SignedRequest) check(secret string) error {
	if r.Signature == "" {
		return badSignature("it is not there")
	}
	want, err := r.sign(secret)
	if err != nil {
		return err
	}
	if same(want, r.Signature) {
		return nil
	}
	// Some clients sign the host without the port.
	if host, _, err := net.SplitHostPort(r.Host); err == nil && r.StringToSign == "" {
		r.Host = host
		if want, err = r.sign(secret); err == nil && same(want, r.Signature) {
			return nil
		}
	}
	return badSignature("it is not of this request and access key")
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (r SignedRequest) sign(secret string) (string, error) {
	switch {
	case strings.HasPrefix(r.StringToSign, "AWS4"):
		return signS3v4(secret, r.StringToSign)
	case r.StringToSign != "":
		return base64.StdEncoding.EncodeToString(mac(sha1.New, []byte(secret), r.StringToSign)), nil
	case r.Params["SignatureVersion"] == "2":
		return r.signV2(secret), nil
	case strings.HasPrefix(r.header("Authorization"), aws4) || r.Params["X-Amz-Algorithm"] == aws4:
		return r.signV4(secret)
	}
	return "", badSignature("it is neither of version 2 nor of version 4")
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// signV2 is AWS signature version 2. What signs is in the parameters, so that they can't be changed.
func (r SignedRequest) signV2(secret string) string {
	h := sha256.New
	if r.Params["SignatureMethod"] == "HmacSHA1" {
		h = sha1.New
	}
	text := strings.Join([]string{r.Verb, r.Host, r.Path, canonicalQuery(r.Params, "Signature")}, "\n")
	return base64.StdEncoding.EncodeToString(mac(h, []byte(secret), text))
}

// canonicalQuery sorts and encodes parameters, without one.
func canonicalQuery(params map[string]string, without string) string {
	var pairs []string
	for k, v := range params {
		if k != without {
			pairs = append(pairs, encodeRFC3986(k)+"="+encodeRFC3986(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func encodeRFC3986(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

// v4Param is a parameter of the signature, from the header or else from the query.
func (r SignedRequest) v4Param(name string) string {
	if header := r.header("Authorization"); header != "" {
		_, after, _ := strings.Cut(header, name+"=")
		value, _, _ := strings.Cut(after, ",")
		return strings.TrimSpace(value)
	}
	return r.Params["X-Amz-"+name]
}

// signV4 is AWS signature version 4.
func (r SignedRequest) signV4(secret string) (string, error) {
	scope := strings.Split(r.v4Param("Credential"), "/")
	date := r.header("X-Amz-Date")
	if date == "" {
		date = r.Params["X-Amz-Date"]
	}
	if len(scope) != 5 || scope[0] != r.Access || scope[4] != "aws4_request" {
		return "", badSignature("Credential must be access key/date/region/service/aws4_request")
	}
	if !strings.HasPrefix(date, scope[1]+"T") {
		return "", badSignature("X-Amz-Date is not of the day in Credential")
	}
	query := ""
	if !strings.EqualFold(r.Verb, "POST") {
		query = canonicalQuery(r.Params, "X-Amz-Signature")
	}
	signed := r.v4Param("SignedHeaders")
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		value := r.header(name)
		if strings.EqualFold(name, "host") && r.Host != "" {
			value = r.Host
		}
		if value != "" {
			headers.WriteString(strings.ToLower(name) + ":" + strings.Join(strings.Fields(value), " ") + "\n")
		}
	}
	if headers.Len() == 0 {
		headers.WriteString("\n") // as OpenStack's clients sign where there is none
	}
	request := strings.Join([]string{strings.ToUpper(r.Verb), r.Path, query, headers.String(), signed, r.BodyHash}, "\n")
	sum := sha256.Sum256([]byte(request))
	text := strings.Join([]string{aws4, date, strings.Join(scope[1:], "/"), hex.EncodeToString(sum[:])}, "\n")
	return hex.EncodeToString(mac(sha256.New, v4Key(secret, scope[1:]), text)), nil
}

// v4Key derives the key of a day, region and service.
func v4Key(secret string, scope []string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = mac(sha256.New, key, part)
	}
	return key
}

// signS3v4 signs what S3 had signed: four lines, of which the third is the scope.
func signS3v4(secret, text string) (string, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != aws4 {
		return "", badSignature("the string to sign has not the four lines of version 4")
	}
	scope := strings.Split(lines[2], "/")
	if len(scope) != 4 || scope[3] != "aws4_request" || !slices.Contains([]string{"s3", "iam", "sts"}, scope[2]) {
		return "", badSignature("the scope of the string to sign must be date/region/s3/aws4_request")
	}
	return hex.EncodeToString(mac(sha256.New, v4Key(secret, scope), text)), nil
}

// at is when the request says that it was signed; zero if it does not.
func (r SignedRequest) at() (time.Time, error) {
	text := r.Params["Timestamp"]
	if text == "" {
		text = r.header("X-Amz-Date")
	}
	if text == "" {
		text = r.Params["X-Amz-Date"]
	}
	if lines := strings.Split(r.StringToSign, "\n"); text == "" && len(lines) == 4 && lines[0] == aws4 {
		text = lines[1]
	}
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"20060102T150405Z", time.RFC3339Nano, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Unauthenticated, "Credential timestamp is invalid: it is neither like 20060102T150405Z nor like 2006-01-02T15:04:05Z")
}
