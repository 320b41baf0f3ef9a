// Package identity knows who exists and what they may do: domains, projects, users, groups, roles and assignments, and
// the tokens that say so to every other service.
//
// A domain holds users, groups and projects, and is itself a project that holds nothing else (Keystone's is_domain). An
// assignment gives a user or a group a role on a target: a project, a domain, or the system as a whole. A role may imply
// others: admin is manager, manager is member, member is reader.
//
// A token carries all of this for one scope, sealed with keys that the control nodes share through the database, so
// that it is verified in memory (package auth). What a token says can become false, when a password is changed, a
// project is disabled or an assignment is removed. Then the change writes a revocation in its own transaction: it takes
// effect here on commit, on the other control nodes when they hear its event, and within a second even if they don't,
// since each reads the table twice a second. A user who gains a role must get a new token to use it.
//
// An assignment may be inherited: then it holds on all projects below its project or domain, and not there itself. A
// domain's own roles are in no token; they are there to imply others.
//
// Who may do what follows OpenStack's "secure RBAC": an admin on the system, or on a project unless the policy file says
// otherwise, may do everything; a reader on the system may read everything; an admin or manager on a domain may change
// the users, groups, projects and assignments in it, without making anyone more than they are, and see the roles that they give for it; a reader on a domain may
// read what is in it; everyone may see themselves, what they can reach, and change their own password.
//
// A token may permit less than its user may do: one of an application credential has that credential's roles, as far as
// the user still has them, and is good for the requests alone that its access rules name; one of a trust has the roles
// that the trustor gave, as long as the trustor has them all. What it stands on travels in it (auth.Delegation), so that
// deleting the credential or any trust of the chain takes it back. It can't be exchanged for another token, and what is
// made with it permits no more than it does.
//
// Who logs in by something that can be guessed is guarded (Guard): the rate is bounded by address and by user, and after
// failures in a row the user is locked out for a while. Unknown users are treated, and take the time, as known ones with
// a wrong password. Secrets are kept as Argon2 hashes, or where Aloft must read them, as in the blobs of credentials,
// encrypted with the master key. A credential of type totp enrols an authenticator: its blob is the secret in base32, and
// the API shows it as otpauth_uri for a QR code; each passcode is good once. The rules of a user may ask for several
// methods; a log-in that lacks some gets a receipt, which the next brings.
//
// Sources: the OpenStack Identity API v3.14 reference; RFC 9106 (Argon2); the PHC string format;
// RFC 6238 (TOTP) and RFC 4226; AWS signature versions 2 and 4.
package identity
