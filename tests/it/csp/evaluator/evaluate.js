// Reads lines of JSON, `{"checks": "all" | "strict", "policy": ".."}`, and answers each with the findings of Google's CSP Evaluator.
'use strict';
const { createInterface } = require('node:readline');
const { CspEvaluator } = require('csp_evaluator/dist/evaluator.js');
const { CspParser } = require('csp_evaluator/dist/parser.js');
const { Version } = require('csp_evaluator/dist/csp.js');
const { Severity } = require('csp_evaluator/dist/finding.js');
const { STRICTCSP_CHECKS } = require('csp_evaluator/dist/evaluator.js');

createInterface({ input: process.stdin }).on('line', line => {
  const { checks, policy } = JSON.parse(line);
  const evaluator = new CspEvaluator(new CspParser(policy).csp, Version.CSP3);
  // The strict checks are the first argument: as the second they see the policy after fallbacks were dropped.
  const findings = checks === 'strict' ? evaluator.evaluate(STRICTCSP_CHECKS, []) : evaluator.evaluate();
  const counted = findings.filter(finding => finding.severity < Severity.NONE);
  console.log(JSON.stringify(counted.map(({ directive, value, severity, description }) =>
    `${Severity[severity]} ${directive} ${value ?? ''}: ${description}`)));
});
