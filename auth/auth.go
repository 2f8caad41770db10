// Package auth answers who is calling, and may they: agencies, persons,
// memberships, sessions, applications and their credentials.
package auth
