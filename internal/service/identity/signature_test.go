package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The examples of AWS's documentation of both versions.
func signedExamples() map[string]SignedRequest {
	empty := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return map[string]SignedRequest{
		"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY": {
			Access: "AKIDEXAMPLE", Signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
			Verb: "GET", Host: "example.amazonaws.com", Path: "/", BodyHash: empty,
			Headers: map[string]string{
				"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z",
				"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=x",
			},
		},
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": {
			Access: "AKIAIOSFODNN7EXAMPLE", Signature: "i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs=",
			Verb: "GET", Host: "elasticmapreduce.amazonaws.com", Path: "/",
			Params: map[string]string{
				"AWSAccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Action": "DescribeJobFlows", "SignatureMethod": "HmacSHA256",
				"SignatureVersion": "2", "Timestamp": "2011-10-03T15:19:30", "Version": "2009-03-31",
			},
		},
	}
}

func TestSignatures(t *testing.T) {
	for secret, r := range signedExamples() {
		require.NoError(t, r.check(secret))
		require.True(t, fault.Is(r.check("another"), fault.Unauthenticated))
		withPort := r
		withPort.Host += ":8773"
		require.NoError(t, withPort.check(secret), "clients that leave out the port")
		for what, change := range map[string]func(*SignedRequest){
			"verb":      func(r *SignedRequest) { r.Verb = "PUT" },
			"host":      func(r *SignedRequest) { r.Host = "evil" },
			"path":      func(r *SignedRequest) { r.Path = "/x" },
			"signature": func(r *SignedRequest) { r.Signature = "" },
			"params": func(r *SignedRequest) {
				r.Params = map[string]string{"SignatureVersion": r.Params["SignatureVersion"], "a": "b"}
			},
		} {
			bad := r
			change(&bad)
			require.True(t, fault.Is(bad.check(secret), fault.Unauthenticated), what)
		}
		at, err := r.at()
		require.NoError(t, err)
		require.False(t, at.IsZero())
	}
}

func TestS3Signatures(t *testing.T) {
	v2 := SignedRequest{Access: "a", StringToSign: "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg", Signature: "qgk2+6Sv9/oM7G3qLEjTH1a1l1g="}
	require.NoError(t, v2.check("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
	text := strings.Join([]string{aws4, "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"}, "\n")
	v4 := SignedRequest{Access: "a", StringToSign: text, Signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}
	require.NoError(t, v4.check("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
	for _, bad := range []string{"AWS4", strings.Replace(text, "s3", "ec2", 1), strings.Replace(text, "aws4_request", "x", 1), text + "\n"} {
		v4.StringToSign = bad
		require.True(t, fault.Is(v4.check("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), fault.Unauthenticated), "%q", bad)
	}
	require.True(t, fault.Is(SignedRequest{Access: "a", Signature: "x"}.check("s"), fault.Unauthenticated))
}

// The examples of RFC 6238, appendix B, of which ours has the last six digits.
func TestPasscodes(t *testing.T) {
	secret := []byte("12345678901234567890")
	for seconds, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		require.Equal(t, want, passcode(secret, seconds/30))
	}
	for _, blob := range []string{"GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq", "GEZDGNBVGY3TQOJQGE======"} {
		_, err := decodeTOTP(blob)
		require.NoError(t, err, blob)
	}
	for _, blob := range []string{"", "!", "GEZDGNBV", "01890189018901890189"} {
		_, err := decodeTOTP(blob)
		require.True(t, fault.Is(err, fault.Invalid), blob)
	}
	require.Equal(t, "otpauth://totp/Aloft:al%2Fice?algorithm=SHA1&digits=6&issuer=Aloft&period=30&secret=GEZDGNBVGY3TQOJQ",
		enrolmentURI("al/ice", "gezd gnbv gy3t qojq"))
	require.Equal(t, "a%20%2F~%C3%A9", encodeRFC3986("a /~é"))
}
