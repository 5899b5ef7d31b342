module example.com/truth

go 1.22

require (
	golang.org/x/text v0.21.0
	rsc.io/quote v1.5.2
)

require rsc.io/sampler v1.3.0 // indirect

replace rsc.io/sampler => rsc.io/sampler v1.99.99
