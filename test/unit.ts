// Every unit test beside its code, in one process. scripts/test.js says which.
for (const file of (process.env.HOLDFAST_UNIT_TESTS ?? '').split(':').filter(Boolean)) await import(`../${file}`)
