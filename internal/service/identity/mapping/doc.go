// Package mapping turns what an identity provider says of a user into who the user is here. It is made of plain values:
// it reads no table and asks nobody.
//
// A mapping is a list of rules. A rule has remote requirements, and local properties that a user who meets all of them
// gets; the properties of all rules that apply add up. A requirement names an attribute that the provider's assertion
// must have. Beyond that,
//
//	any_one_of   one of its values must be among these
//	not_any_of   none of its values may be among these
//	whitelist    its values are cut to these
//	blacklist    its values are cut to all but these
//
// where with "regex": true the values are matched by expressions (RE2, anywhere in the value) in place of being equal.
// Requirements other than any_one_of and not_any_of are counted from 0, and {0}, {1} … in local properties stand for
// their values. In "groups" and "group_ids" a placeholder on its own stands for each of several values; elsewhere there
// must be just one.
//
// Sources: the OpenStack Identity API's reference of OS-FEDERATION mappings, schema versions 1.0 and 2.0.
package mapping
