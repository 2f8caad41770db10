package main

import "context"

func runServe(context.Context, program) error { return nil }
