-- The policy engine: conditions, patterns, variables, the grammar and its
-- refusals, precedence, scenarios, and documents made to hurt.  Cases stand in
-- tables with what is expected; printed are those that differ, and counts.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL

-- the decision, or what is wrong
CREATE FUNCTION pg_temp.decide(policies text[], action text, resource text, context jsonb = '{}',
	resource_policy text = NULL, principal text = NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (dynamo.simulate_custom_policy(policies, action, resource, context,
		resource_policy, principal)).decision;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

--
-- conditions: T holds, F does not, U depends on a value that is null
--
CREATE TEMP TABLE condition_case (number serial, expected text, condition text, context jsonb);
INSERT INTO condition_case (expected, condition, context) VALUES
	-- strings
	('T', '{"StringEquals": {"a:b": "x"}}', '{"a:b": "x"}'),
	('F', '{"StringEquals": {"a:b": "x"}}', '{"a:b": "X"}'),
	('F', '{"StringEquals": {"a:b": "x"}}', '{"a:b": "xx"}'),
	('F', '{"StringEquals": {"a:b": "x"}}', '{}'),
	('T', '{"StringEquals": {"A:B": "x"}}', '{"a:b": "x"}'),
	('T', '{"StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": "y"}'),
	('F', '{"StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": "z"}'),
	('F', '{"StringEquals": {"a:b": "x*"}}', '{"a:b": "xy"}'),
	('T', '{"StringEquals": {"a:b": "x*"}}', '{"a:b": "x*"}'),
	('T', '{"StringEquals": {"a:b": ""}}', '{"a:b": ""}'),
	('T', '{"StringEquals": {"a:b": 10}}', '{"a:b": "10"}'),
	('T', '{"StringEquals": {"a:b": true}}', '{"a:b": "true"}'),
	('T', '{"StringEquals": {"a:b": "10"}}', '{"a:b": 10}'),
	('T', '{"StringEquals": {"a:b": "x", "a:c": "y"}}', '{"a:b": "x", "a:c": "y"}'),
	('F', '{"StringEquals": {"a:b": "x", "a:c": "y"}}', '{"a:b": "x", "a:c": "z"}'),
	('T', '{"StringEquals": {"a:b": "x"}, "StringLike": {"a:c": "y*"}}', '{"a:b": "x", "a:c": "y1"}'),
	('F', '{"StringEquals": {"a:b": "x"}, "StringLike": {"a:c": "y*"}}', '{"a:b": "x", "a:c": "1y"}'),
	('F', '{"StringNotEquals": {"a:b": "x"}}', '{"a:b": "x"}'),
	('T', '{"StringNotEquals": {"a:b": "x"}}', '{"a:b": "y"}'),
	('T', '{"StringNotEquals": {"a:b": "x"}}', '{}'),
	('F', '{"StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": "y"}'),
	('T', '{"StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": "z"}'),
	('T', '{"StringEqualsIgnoreCase": {"a:b": "xY"}}', '{"a:b": "Xy"}'),
	('F', '{"StringEqualsIgnoreCase": {"a:b": "x"}}', '{"a:b": "y"}'),
	('F', '{"StringNotEqualsIgnoreCase": {"a:b": "xY"}}', '{"a:b": "Xy"}'),
	('T', '{"StringNotEqualsIgnoreCase": {"a:b": "x"}}', '{"a:b": "y"}'),
	('T', '{"StringNotEqualsIgnoreCase": {"a:b": "x"}}', '{}'),
	('T', '{"StringLike": {"a:b": "a*c?e"}}', '{"a:b": "abbbcde"}'),
	('F', '{"StringLike": {"a:b": "a*c?e"}}', '{"a:b": "abbbce"}'),
	('F', '{"StringLike": {"a:b": "a*"}}', '{"a:b": "Ab"}'),
	('T', '{"StringLike": {"a:b": "*"}}', '{"a:b": ""}'),
	('F', '{"StringLike": {"a:b": "?"}}', '{"a:b": ""}'),
	('T', '{"StringLike": {"a:b": "?"}}', '{"a:b": "ü"}'),
	('T', '{"StringLike": {"a:b": "???"}}', '{"a:b": "€𝄞x"}'),
	('F', '{"StringLike": {"a:b": "??"}}', '{"a:b": "ü"}'),
	('T', '{"StringLike": {"a:b": "*?ü"}}', '{"a:b": "üüü"}'),
	('T', '{"StringLike": {"a:b": "**a**"}}', '{"a:b": "a"}'),
	('T', '{"StringLike": {"a:b": "*ab*ab"}}', '{"a:b": "ababab"}'),
	('F', '{"StringLike": {"a:b": "*ab*abb"}}', '{"a:b": "ababab"}'),
	('T', '{"StringLike": {"a:b": "a*b*c"}}', '{"a:b": "abcbc"}'),
	('F', '{"StringNotLike": {"a:b": ["a*", "b*"]}}', '{"a:b": "bx"}'),
	('T', '{"StringNotLike": {"a:b": ["a*", "b*"]}}', '{"a:b": "cx"}'),
	('T', '{"StringNotLike": {"a:b": "*"}}', '{}'),
	-- numbers
	('T', '{"NumericEquals": {"a:b": "10"}}', '{"a:b": "10.0"}'),
	('T', '{"NumericEquals": {"a:b": 10}}', '{"a:b": 10}'),
	('F', '{"NumericEquals": {"a:b": "12345678901234567890"}}', '{"a:b": "12345678901234567891"}'),
	('T', '{"NumericEquals": {"a:b": "1e2"}}', '{"a:b": "100"}'),
	('F', '{"NumericEquals": {"a:b": "10"}}', '{"a:b": "ten"}'),
	('T', '{"NumericNotEquals": {"a:b": "10"}}', '{"a:b": "11"}'),
	('F', '{"NumericNotEquals": {"a:b": ["10", "11"]}}', '{"a:b": "11"}'),
	('T', '{"NumericNotEquals": {"a:b": "10"}}', '{}'),
	('T', '{"NumericLessThan": {"a:b": "10"}}', '{"a:b": "9.99"}'),
	('F', '{"NumericLessThan": {"a:b": "10"}}', '{"a:b": "10"}'),
	('T', '{"NumericLessThan": {"a:b": "-1"}}', '{"a:b": "-2"}'),
	('T', '{"NumericLessThanEquals": {"a:b": "10"}}', '{"a:b": "10"}'),
	('F', '{"NumericLessThanEquals": {"a:b": "10"}}', '{"a:b": "10.1"}'),
	('T', '{"NumericGreaterThan": {"a:b": "10"}}', '{"a:b": "11"}'),
	('F', '{"NumericGreaterThan": {"a:b": "10"}}', '{"a:b": "10"}'),
	('T', '{"NumericGreaterThanEquals": {"a:b": "10"}}', '{"a:b": "10"}'),
	('F', '{"NumericGreaterThanEquals": {"a:b": "10"}}', '{"a:b": "9"}'),
	('F', '{"NumericGreaterThanEquals": {"a:b": "10"}}', '{}'),
	-- dates
	('T', '{"DateEquals": {"a:b": "2026-01-02T03:04:05Z"}}', '{"a:b": "2026-01-02T04:04:05+01:00"}'),
	('T', '{"DateEquals": {"a:b": "2026-01-02T03:04:05Z"}}', '{"a:b": "1767323045"}'),
	('T', '{"DateEquals": {"a:b": 1767323045}}', '{"a:b": "2026-01-02T03:04:05.000Z"}'),
	('F', '{"DateEquals": {"a:b": "2026-01-02T03:04:05Z"}}', '{"a:b": "2026-01-02T03:04:05.001Z"}'),
	('T', '{"DateEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02T00:00Z"}'),
	('T', '{"DateEquals": {"a:b": "2026-01"}}', '{"a:b": "2026-01-01T00:00:00"}'),
	('T', '{"DateEquals": {"a:b": "1969-12-31T23:59:59Z"}}', '{"a:b": "-1"}'),
	('T', '{"DateEquals": {"a:b": "2000-02-29T12:00:00Z"}}', '{"a:b": "951825600"}'),
	('F', '{"DateEquals": {"a:b": "2026-01-02T03:04:05Z"}}', '{"a:b": "today"}'),
	('T', '{"DateNotEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-03"}'),
	('F', '{"DateNotEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02"}'),
	('T', '{"DateNotEquals": {"a:b": "2026-01-02"}}', '{}'),
	('T', '{"DateLessThan": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-01T23:59:59.999999Z"}'),
	('F', '{"DateLessThan": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02"}'),
	('T', '{"DateLessThanEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02"}'),
	('F', '{"DateLessThanEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-03"}'),
	('T', '{"DateGreaterThan": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02T00:00:01Z"}'),
	('F', '{"DateGreaterThan": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02"}'),
	('T', '{"DateGreaterThanEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-02"}'),
	('F', '{"DateGreaterThanEquals": {"a:b": "2026-01-02"}}', '{"a:b": "2026-01-01"}'),
	-- booleans
	('T', '{"Bool": {"a:b": "true"}}', '{"a:b": "true"}'),
	('T', '{"Bool": {"a:b": true}}', '{"a:b": true}'),
	('T', '{"Bool": {"a:b": "TRUE"}}', '{"a:b": "true"}'),
	('F', '{"Bool": {"a:b": "true"}}', '{"a:b": "false"}'),
	('F', '{"Bool": {"a:b": "false"}}', '{"a:b": "no"}'),
	('F', '{"Bool": {"a:b": "false"}}', '{}'),
	('T', '{"Bool": {"a:b": ["true", "false"]}}', '{"a:b": "false"}'),
	-- binaries
	('T', '{"BinaryEquals": {"a:b": "QmluYXJ5"}}', '{"a:b": "QmluYXJ5"}'),
	('F', '{"BinaryEquals": {"a:b": "QmluYXJ5"}}', '{"a:b": "QmluYXJ6"}'),
	('T', '{"BinaryEquals": {"a:b": "QQ=="}}', '{"a:b": "QQ=="}'),
	('T', '{"BinaryEquals": {"a:b": "QR=="}}', '{"a:b": "QQ=="}'),
	('F', '{"BinaryEquals": {"a:b": "QQ=="}}', '{}'),
	-- addresses
	('T', '{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}', '{"aws:SourceIp": "203.0.113.255"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}', '{"aws:SourceIp": "203.0.114.0"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "203.0.113.7"}}', '{"aws:SourceIp": "203.0.113.7"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "203.0.113.7"}}', '{"aws:SourceIp": "203.0.113.8"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "203.0.113.9/29"}}', '{"aws:SourceIp": "203.0.113.15"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "203.0.113.9/29"}}', '{"aws:SourceIp": "203.0.113.16"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}', '{"aws:SourceIp": "8.8.8.8"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}', '{"aws:SourceIp": "2001:db8::1"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "2001:DB8::/32"}}', '{"aws:SourceIp": "2001:0db8:1234:5678:abcd:ef00:1:2"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "2001:DB8::/33"}}', '{"aws:SourceIp": "2001:db8:8000::"}'),
	('T', '{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}', '{"aws:SourceIp": "0:0:0:0:0:0:0:1"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "1:2:3:4:5:6:7::"}}', '{"aws:SourceIp": "1:2:3:4:5:6:7:0"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}', '{"aws:SourceIp": "::ffff:10.1.2.3"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "::ffff:0a00:0/104"}}', '{"aws:SourceIp": "10.1.2.3"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "64:ff9b::1.2.3.4"}}', '{"aws:SourceIp": "64:ff9b::102:304"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}', '{"aws:SourceIp": "10.1.2"}'),
	('F', '{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}', '{"aws:SourceIp": "10.0.0.0/7"}'),
	('F', '{"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}', '{"aws:SourceIp": "192.168.3.4"}'),
	('T', '{"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}', '{"aws:SourceIp": "192.169.3.4"}'),
	('T', '{"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}', '{}'),
	-- ARNs
	('T', '{"ArnEquals": {"a:b": "arn:aws:iam::000000000000:user/*"}}', '{"a:b": "arn:aws:iam::000000000000:user/x"}'),
	('T', '{"ArnLike": {"a:b": "arn:aws:iam::*:user/?"}}', '{"a:b": "arn:aws:iam::000000000000:user/x"}'),
	('F', '{"ArnLike": {"a:b": "arn:aws:iam::*:user/?"}}', '{"a:b": "arn:aws:iam::000000000000:user/xy"}'),
	('F', '{"ArnLike": {"a:b": "arn:aws:*:*:*:user/x"}}', '{"a:b": "arn:aws:iam::000000000000:team:user/x"}'),
	('T', '{"ArnLike": {"a:b": "arn:aws:iam:*"}}', '{"a:b": "arn:aws:iam::000000000000:user/x:y"}'),
	('T', '{"ArnLike": {"a:b": "*"}}', '{"a:b": "anything"}'),
	('F', '{"ArnLike": {"a:b": "arn:*"}}', '{"a:b": "arn:anything"}'),
	('F', '{"ArnNotEquals": {"a:b": "arn:aws:iam::000000000000:user/x"}}', '{"a:b": "arn:aws:iam::000000000000:user/x"}'),
	('T', '{"ArnNotEquals": {"a:b": "arn:aws:iam::000000000000:user/x"}}', '{"a:b": "arn:aws:iam::000000000000:user/X"}'),
	('F', '{"ArnNotLike": {"a:b": ["arn:aws:iam::*:user/a*", "arn:aws:iam::*:user/b*"]}}', '{"a:b": "arn:aws:iam::000000000000:user/bob"}'),
	('T', '{"ArnNotLike": {"a:b": "arn:aws:iam::*:user/a*"}}', '{}'),
	-- the key is there or not
	('T', '{"Null": {"a:b": "true"}}', '{}'),
	('F', '{"Null": {"a:b": "true"}}', '{"a:b": "x"}'),
	('T', '{"Null": {"a:b": "false"}}', '{"a:b": "x"}'),
	('F', '{"Null": {"a:b": false}}', '{}'),
	('T', '{"Null": {"a:b": true}}', '{"a:b": []}'),
	('T', '{"Null": {"a:b": ["true", "false"]}}', '{"a:b": "x"}'),
	('U', '{"Null": {"a:b": "true"}}', '{"a:b": null}'),
	('T', '{"StringEqualsIfExists": {"a:b": "x"}}', '{}'),
	('T', '{"StringEqualsIfExists": {"a:b": "x"}}', '{"a:b": "x"}'),
	('F', '{"StringEqualsIfExists": {"a:b": "x"}}', '{"a:b": "y"}'),
	('T', '{"StringNotLikeIfExists": {"a:b": "x"}}', '{}'),
	('T', '{"BoolIfExists": {"a:b": "true"}}', '{}'),
	('T', '{"IpAddressIfExists": {"a:b": "10.0.0.0/8"}}', '{}'),
	('F', '{"NumericLessThanIfExists": {"a:b": "1"}}', '{"a:b": "1"}'),
	('T', '{"ForAnyValue:StringEqualsIfExists": {"a:b": "x"}}', '{}'),
	('T', '{"ForAllValues:StringEqualsIfExists": {"a:b": "x"}}', '{}'),
	-- sets
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "y"]}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "x"]}'),
	('F', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "z"]}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": "x"}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": []}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ""}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}}', '{}'),
	('F', '{"ForAllValues:StringEquals": {"a:b": ["x", "y"]}, "Null": {"a:b": "false"}}', '{}'),
	('T', '{"ForAllValues:StringLike": {"a:b": ["x*", "y*"]}}', '{"a:b": ["x1", "y2"]}'),
	('T', '{"ForAllValues:StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["u", "v"]}'),
	('F', '{"ForAllValues:StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["u", "x"]}'),
	('T', '{"ForAllValues:StringNotEquals": {"a:b": ["x", "y"]}}', '{}'),
	('T', '{"ForAnyValue:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "z"]}'),
	('F', '{"ForAnyValue:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["u", "v"]}'),
	('F', '{"ForAnyValue:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": []}'),
	('F', '{"ForAnyValue:StringEquals": {"a:b": ["x", "y"]}}', '{"a:b": ""}'),
	('F', '{"ForAnyValue:StringEquals": {"a:b": ["x", "y"]}}', '{}'),
	('T', '{"ForAnyValue:StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "z"]}'),
	('F', '{"ForAnyValue:StringNotEquals": {"a:b": ["x", "y"]}}', '{"a:b": ["x", "y"]}'),
	('F', '{"ForAnyValue:StringNotEquals": {"a:b": ["x", "y"]}}', '{}'),
	('T', '{"ForAnyValue:NumericGreaterThan": {"a:b": "10"}}', '{"a:b": ["1", "11"]}'),
	('F', '{"ForAllValues:NumericGreaterThan": {"a:b": "10"}}', '{"a:b": ["1", "11"]}'),
	-- variables
	('T', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": "x"}'),
	('T', '{"StringEquals": {"a:b": "u-${ A:C }-${a:d}-v"}}', '{"a:b": "u-x-y-v", "a:c": "x", "a:d": "y"}'),
	('F', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": "X"}'),
	('T', '{"StringEqualsIgnoreCase": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": "X"}'),
	('F', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x"}'),
	('F', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": ""}'),
	('F', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "${a:c}"}'),
	('T', '{"StringEquals": {"a:b": ["${a:c}", "x"]}}', '{"a:b": "x"}'),
	('T', '{"StringNotEquals": {"a:b": "${a:c}"}}', '{"a:b": "x"}'),
	('T', '{"StringNotLike": {"a:b": "${a:c}*"}}', '{"a:b": "x"}'),
	('F', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": ["x", "y"]}'),
	('T', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": ["x"]}'),
	('T', '{"StringEquals": {"a:b": "${a:c, ''x''}"}}', '{"a:b": "x"}'),
	('T', '{"StringEquals": {"a:b": "${a:c,''x''}"}}', '{"a:b": "x", "a:c": []}'),
	('F', '{"StringEquals": {"a:b": "${a:c, ''x''}"}}', '{"a:b": "x", "a:c": "y"}'),
	('T', '{"StringEquals": {"a:b": "${a:c, ''''}!"}}', '{"a:b": "!"}'),
	('T', '{"StringLike": {"a:b": "${a:c}*"}}', '{"a:b": "xyz", "a:c": "xy"}'),
	('F', '{"StringLike": {"a:b": "${a:c}*"}}', '{"a:b": "xyz", "a:c": "x?z"}'),
	('F', '{"StringLike": {"a:b": "${a:c}"}}', '{"a:b": "xyz", "a:c": "*"}'),
	('T', '{"StringLike": {"a:b": "${a:c}"}}', '{"a:b": "*", "a:c": "*"}'),
	('F', '{"StringLike": {"a:b": "${a:c}"}}', '{"a:b": "y", "a:c": "${a:d}", "a:d": "y"}'),
	('T', '{"StringLike": {"a:b": "${*}${?}${$}*"}}', '{"a:b": "*?$x"}'),
	('F', '{"StringLike": {"a:b": "${*}x"}}', '{"a:b": "xx"}'),
	('T', '{"StringEquals": {"a:b": "${$}{a:c}"}}', '{"a:b": "${a:c}", "a:c": "x"}'),
	('T', '{"StringEquals": {"a:b": "$x$"}}', '{"a:b": "$x$"}'),
	('T', '{"NumericLessThan": {"a:b": "${a:c}"}}', '{"a:b": "9", "a:c": "10"}'),
	('F', '{"NumericLessThan": {"a:b": "${a:c}"}}', '{"a:b": "9", "a:c": "ten"}'),
	('T', '{"DateLessThan": {"aws:CurrentTime": "${a:until}"}}', '{"aws:CurrentTime": "2026-01-01T00:00:00Z", "a:until": "2026-01-02"}'),
	('T', '{"IpAddress": {"aws:SourceIp": "${a:net}/8"}}', '{"aws:SourceIp": "10.1.1.1", "a:net": "10.0.0.0"}'),
	('T', '{"Bool": {"a:b": "${a:c}"}}', '{"a:b": "false", "a:c": "false"}'),
	('T', '{"ArnLike": {"a:b": "arn:aws:iam::*:user/${aws:username}"}}', '{"a:b": "arn:aws:iam::000000000000:user/bob", "aws:username": "bob"}'),
	('F', '{"ArnLike": {"a:b": "arn:aws:iam::*:user/${aws:username}"}}', '{"a:b": "arn:aws:iam::000000000000:user/bob", "aws:username": "b*"}'),
	('T', '{"ArnLike": {"a:b": "arn:aws:iam::${a:c}:user/x"}}', '{"a:b": "arn:aws:iam::1:user/x", "a:c": "1"}'),
	('T', '{"ForAllValues:StringEquals": {"a:b": ["${a:c}", "z"]}}', '{"a:b": ["x", "z"], "a:c": "x"}'),
	-- values that are not known yet
	('U', '{"StringEquals": {"a:b": "x"}}', '{"a:b": null}'),
	('U', '{"StringNotEquals": {"a:b": "x"}}', '{"a:b": null}'),
	('U', '{"ForAllValues:StringEquals": {"a:b": "x"}}', '{"a:b": null}'),
	('F', '{"StringEquals": {"a:b": "x", "a:c": "y"}}', '{"a:b": null, "a:c": "z"}'),
	('U', '{"StringEquals": {"a:b": "x", "a:c": "y"}}', '{"a:b": null, "a:c": "y"}'),
	('U', '{"StringEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": null}'),
	('T', '{"StringEquals": {"a:b": ["${a:c}", "x"]}}', '{"a:b": "x", "a:c": null}'),
	('F', '{"StringNotEquals": {"a:b": ["${a:c}", "x"]}}', '{"a:b": "x", "a:c": null}'),
	('U', '{"StringNotEquals": {"a:b": "${a:c}"}}', '{"a:b": "x", "a:c": null}'),
	('U', '{"ForAllValues:StringEquals": {"a:b": "${a:c}"}}', '{"a:b": ["x", "x"], "a:c": null}'),
	('F', '{"ForAllValues:StringEquals": {"a:b": ["${a:c}"]}, "StringEquals": {"a:d": "x"}}', '{"a:b": ["x"], "a:c": null}'),
	-- nothing to hold
	('T', '{}', '{}'),
	('T', '{"StringEquals": {}}', '{}');

CREATE FUNCTION pg_temp.with_condition(effect text, condition text, version text = '2012-10-17')
RETURNS text LANGUAGE sql AS $$
	SELECT format('{"Version": "%s", "Statement": {"Effect": "%s", "Action": "*", "Resource": "*", "Condition": %s}}',
		version, effect, condition)
$$;

WITH answer AS (
	SELECT c.*, effect, pg_temp.decide(ARRAY[pg_temp.with_condition(effect, condition)],
		'dynamodb:GetItem', '*', context) AS decision
	FROM condition_case c, unnest('{Allow,Deny}'::text[]) effect)
SELECT number, expected, effect, decision, condition, context FROM answer
WHERE decision IS DISTINCT FROM CASE WHEN expected = 'F' THEN 'implicitDeny'
	WHEN expected = 'U' THEN 'undetermined' WHEN effect = 'Allow' THEN 'allowed' ELSE 'explicitDeny' END
ORDER BY number, effect;
SELECT expected, count(*) FROM condition_case GROUP BY expected ORDER BY expected;

-- several values where no set operator is: all for an Allow, any for a Deny
SELECT operator, context, array_agg(pg_temp.decide(ARRAY[pg_temp.with_condition(effect,
	jsonb_build_object(operator, '{"a:b": ["x", "y"]}'::jsonb)::text)], 'a:b', '*',
	jsonb_build_object('a:b', context)) ORDER BY effect)
FROM unnest('{StringEquals,StringNotEquals}'::text[]) operator,
	unnest('{"[\"x\", \"y\"]","[\"x\", \"z\"]","[\"u\", \"v\"]"}'::jsonb[]) context,
	unnest('{Allow,Deny}'::text[]) effect
GROUP BY operator, context ORDER BY operator, context;

-- the older version has no variables
SELECT pg_temp.decide(ARRAY[pg_temp.with_condition('Allow', '{"StringEquals": {"a:b": "${a:c}"}}', '2008-10-17')],
	'a:b', '*', context)
FROM unnest('{"{\"a:b\": \"x\", \"a:c\": \"x\"}","{\"a:b\": \"${a:c}\", \"a:c\": \"x\"}"}'::jsonb[]) context;
SELECT pg_temp.decide(ARRAY['{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:b": "${a:c}"}}}}'],
	'a:b', '*', '{"a:b": "${a:c}"}');

--
-- actions and resources
--
CREATE FUNCTION pg_temp.allowing(elements text) RETURNS text LANGUAGE sql AS $$
	SELECT '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", ' || elements || '}]}'
$$;

CREATE TEMP TABLE match_case (number serial, expected boolean, elements text, asked text, context jsonb DEFAULT '{}');
INSERT INTO match_case (expected, elements, asked) VALUES
	(true, '"Action": "*"', 'dynamodb:GetItem'),
	(true, '"Action": "dynamodb:*"', 'dynamodb:GetItem'),
	(true, '"Action": "DynamoDB:getitem"', 'dynamodb:GetItem'),
	(true, '"Action": "dynamodb:GetItem"', 'DYNAMODB:GETITEM'),
	(true, '"Action": "dynamodb:Get*"', 'dynamodb:GetRecords'),
	(true, '"Action": "dynamodb:*Item"', 'dynamodb:BatchGetItem'),
	(true, '"Action": "dynamodb:?etItem"', 'dynamodb:GetItem'),
	(true, '"Action": ["s3:GetObject", "dynamodb:Scan"]', 'dynamodb:Scan'),
	(true, '"Action": "dynamodb:*get*item*"', 'dynamodb:TransactGetItems'),
	(false, '"Action": "dynamodb:Get"', 'dynamodb:GetItem'),
	(false, '"Action": "dynamodb:GetItem"', 'dynamodb:GetItems'),
	(false, '"Action": "dynamodb:GetItem"', 'dynamodb:BatchGetItem'),
	(false, '"Action": "s3:*"', 'dynamodb:GetItem'),
	(false, '"NotAction": "dynamodb:Get*"', 'dynamodb:GetItem'),
	(false, '"NotAction": ["dynamodb:Scan", "dynamodb:getitem"]', 'dynamodb:GetItem'),
	(true, '"NotAction": ["dynamodb:Scan", "dynamodb:PutItem"]', 'dynamodb:GetItem');
INSERT INTO match_case (expected, elements, asked, context) VALUES
	(true, '"Resource": "*"', '*', '{}'),
	(true, '"Resource": "*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:*"', '*', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/T"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/t"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/T"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/index/I', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/T/*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/index/I', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/T/*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/T*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/index/I', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:*:*:table/T/stream/*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/2026-01-01T00:00:00.000', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:*:*:table/T/stream/2026-01-??T00:00:00.000"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/2026-01-01T00:00:00.000', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:us-*-1:*:table/?"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/2026-01-01T00:00:00.000', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:us*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"Resource": "arn:*:dynamodb:*:*:table/T"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:s3:*:*:table/T"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:*:000000000000:table/T:*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:us-east-1:111111111111:table/T"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"Resource": ["arn:aws:s3:::b", "arn:aws:dynamodb:*:*:table/T"]', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(false, '"NotResource": "arn:aws:dynamodb:*:*:table/T*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"NotResource": ["arn:aws:dynamodb:*:*:table/U", "arn:aws:dynamodb:*:*:table/V"]', 'arn:aws:dynamodb:us-east-1:000000000000:table/T', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}-*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob-1', '{"aws:username": "bob"}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}-*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob-1', '{"aws:username": "b*"}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob', '{"aws:username": "*"}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}-*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob-1', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}*"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob-1', '{}'),
	(true, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username, ''guest''}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/guest', '{}'),
	(true, '"NotResource": "arn:aws:dynamodb:*:*:table/${aws:username}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob', '{}'),
	(NULL, '"Resource": "arn:aws:dynamodb:*:*:table/${aws:username}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob', '{"aws:username": null}'),
	(false, '"Resource": "arn:aws:dynamodb:*:1:table/${aws:username}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob', '{"aws:username": null}'),
	(NULL, '"NotResource": "arn:aws:dynamodb:*:*:table/${aws:username}"', 'arn:aws:dynamodb:us-east-1:000000000000:table/bob', '{"aws:username": null}'),
	(true, '"Resource": "arn:aws:dynamodb:*:*:table/a${*}b"', 'arn:aws:dynamodb:us-east-1:000000000000:table/a*b', '{}'),
	(false, '"Resource": "arn:aws:dynamodb:*:*:table/a${*}b"', 'arn:aws:dynamodb:us-east-1:000000000000:table/acb', '{}');

WITH answer AS (
	SELECT m.*, CASE WHEN elements ~ 'Action' THEN
		pg_temp.decide(ARRAY[pg_temp.allowing(elements || ', "Resource": "*"')], asked, '*', context)
	ELSE
		pg_temp.decide(ARRAY[pg_temp.allowing(elements || ', "Action": "*"')], 'dynamodb:GetItem', asked, context)
	END AS decision
	FROM match_case m)
SELECT number, expected, decision, elements, asked FROM answer
WHERE decision IS DISTINCT FROM
	CASE WHEN expected THEN 'allowed' WHEN NOT expected THEN 'implicitDeny' ELSE 'undetermined' END
ORDER BY number;
SELECT expected, count(*) FROM match_case GROUP BY expected ORDER BY expected;

--
-- principals
--
CREATE TEMP TABLE principal_case (number serial, expected boolean, principal text, asks text);
INSERT INTO principal_case (expected, principal, asks) VALUES
	(true, '"*"', 'bob'),
	(true, '{"AWS": "*"}', 'bob'),
	(true, '{"AWS": "000000000000"}', 'bob'),
	(true, '{"AWS": "arn:aws:iam::000000000000:root"}', 'bob'),
	(true, '{"AWS": ["111111111111", "arn:aws:iam::000000000000:user/bob"]}', 'bob'),
	(true, '{"AWS": "arn:aws:iam::000000000000:role/bob"}', 'bob'),
	(false, '{"AWS": "arn:aws:iam::000000000000:user/alice"}', 'bob'),
	(false, '{"AWS": "arn:aws:iam::000000000000:user/bob"}', 'bobby'),
	(false, '{"AWS": "arn:aws:iam::000000000000:user/bob"}', 'Bob'),
	(false, '{"AWS": "arn:aws:iam::000000000000:user/team/bob"}', 'bob'),
	(true, '{"AWS": "arn:aws:iam::000000000000:user/team/bob"}', 'team/bob'),
	(false, '{"AWS": "111111111111"}', 'bob'),
	(false, '{"AWS": "arn:aws:iam::111111111111:user/bob"}', 'bob'),
	(false, '{"AWS": "arn:aws:sts::000000000000:assumed-role/bob/x"}', 'bob'),
	(false, '{"Service": "dynamodb.amazonaws.com"}', 'bob'),
	(false, '{"Service": "*", "Federated": "*", "CanonicalUser": "*"}', 'bob'),
	(true, '{"Service": "dynamodb.amazonaws.com", "AWS": "000000000000"}', 'bob');
SELECT p.*, decision FROM principal_case p,
	pg_temp.decide('{}', 'dynamodb:GetItem', '*', '{}', format(
		'{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": %s, "Action": "*", "Resource": "*"}}', principal),
		'arn:aws:iam::000000000000:user/' || asks) decision
WHERE decision <> CASE WHEN expected THEN 'allowed' ELSE 'implicitDeny' END
ORDER BY number;

-- NotPrincipal: everyone else; naming the account does not except its users
SELECT principal, asks, pg_temp.decide('{}', 'dynamodb:GetItem', '*', '{}', format(
		'{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": %s, "Action": "*", "Resource": "*"}}', principal),
		'arn:aws:iam::000000000000:' || asks)
FROM unnest(ARRAY['{"AWS": "arn:aws:iam::000000000000:user/bob"}', '{"AWS": ["000000000000", "arn:aws:iam::000000000000:user/bob"]}',
		'{"AWS": "000000000000"}', '"*"', '{"Service": "dynamodb.amazonaws.com"}']) WITH ORDINALITY p(principal, n),
	unnest('{user/bob,user/alice,root}'::text[]) asks
ORDER BY n, asks;
-- nobody in particular asks
SELECT principal, pg_temp.decide('{}', 'dynamodb:GetItem', '*', '{}', format(
		'{"Statement": {"Effect": "Allow", "Principal": %s, "Action": "*", "Resource": "*"}}', principal))
FROM unnest(ARRAY['"*"', '{"AWS": "000000000000"}', '{"AWS": "arn:aws:iam::000000000000:user/bob"}']) principal;

--
-- what is refused
--
CREATE TEMP TABLE refusal (number serial, document text);
INSERT INTO refusal (document) VALUES
	(''), ('{'), ('nonsense'), ('{"Statement": }'), ('null'), ('"text"'), ('1'), ('[]'), ('{}'),
	('{"Version": "2012-10-17"}'),
	('{"Version": "2012-10-17", "Statement": []}'),
	('{"Version": "2012-10-17", "Statement": null}'),
	('{"Version": "2012-10-17", "Statement": ["x"]}'),
	('{"Version": "2012-10-17", "Statement": [[]]}'),
	('{"Version": "2012-10-17", "Statement": {}}'),
	('{"Version": "2012-10-18", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'),
	('{"Version": 2012, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'),
	('{"version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'),
	('{"Id": 1, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'),
	('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'),
	('{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Eff\u0065ct": "Allow"}]}'),
	('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a:b": "true"}, "Bool": {"a:c": "true"}}}]}'),
	('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "a\u0000b"}]}');
INSERT INTO refusal (document)
	SELECT '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}, {' || s || '}]}'
	FROM unnest(ARRAY[
	'"Action": "*", "Resource": "*"',
	'"Effect": "allow", "Action": "*", "Resource": "*"',
	'"Effect": ["Allow"], "Action": "*", "Resource": "*"',
	'"Effect": "Allow", "Resource": "*"',
	'"Effect": "Allow", "Action": "*"',
	'"Effect": "Allow", "Action": [], "Resource": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": []',
	'"Effect": "Allow", "Action": 1, "Resource": "*"',
	'"Effect": "Allow", "Action": ["a:b", 1], "Resource": "*"',
	'"Effect": "Allow", "Action": {"a:b": 1}, "Resource": "*"',
	'"Effect": "Allow", "Action": "*", "NotAction": "a:b", "Resource": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "NotPrincipal": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Other": 1',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "action": "*"',
	'"Effect": "Allow", "Action": "GetItem", "Resource": "*"',
	'"Effect": "Allow", "Action": "dynamodb:", "Resource": "*"',
	'"Effect": "Allow", "Action": ":GetItem", "Resource": "*"',
	'"Effect": "Allow", "Action": "", "Resource": "*"',
	'"Effect": "Allow", "Action": "**", "Resource": "*"',
	'"Effect": "Allow", "Action": "dyn*:GetItem", "Resource": "*"',
	'"Effect": "Allow", "Action": "dynamodb:Get Item", "Resource": "*"',
	'"Effect": "Allow", "Action": "dynamodb:${aws:username}", "Resource": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "table/T"',
	'"Effect": "Allow", "Action": "*", "Resource": ""',
	'"Effect": "Allow", "Action": "*", "Resource": "**"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn*"',
	'"Effect": "Allow", "Action": "*", "Resource": "ARN:aws:dynamodb:*:*:table/T"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn::dynamodb:*:*:table/T"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:table/T"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:${a:b}:table/T"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${}"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${name}"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${a:b"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${a:${b:c}}"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${a:b, x}"',
	'"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${a:b, ''x}"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "a b"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "ä"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": 1',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": "x"}, {"Effect": "Deny", "Action": "*", "Resource": "*", "Sid": "x"']) WITH ORDINALITY a(s, n)
	ORDER BY n;
INSERT INTO refusal (document)
	SELECT pg_temp.with_condition('Deny', c) FROM unnest(ARRAY[
	'[]', '"x"', '{"StringEquals": "x"}', '{"StringEquals": ["x"]}', '{"StringEquals": {"a:b": []}}',
	'{"StringEquals": {"a:b": null}}', '{"StringEquals": {"a:b": {"c": "d"}}}', '{"StringEquals": {"a:b": [["x"]]}}',
	'{"StringEquals": {"key": "x"}}', '{"StringEquals": {":key": "x"}}', '{"StringEquals": {"key:": "x"}}',
	'{"StringEqual": {"a:b": "x"}}', '{"": {"a:b": "x"}}', '{"stringEquals": {"a:b": "x"}}', '{"IfExists": {"a:b": "x"}}',
	'{"StringEqualsIfExistsIfExists": {"a:b": "x"}}', '{"ForAllValues:": {"a:b": "x"}}', '{"ForSomeValues:StringEquals": {"a:b": "x"}}',
	'{"ForAllValues:ForAnyValue:StringEquals": {"a:b": "x"}}', '{"NullIfExists": {"a:b": "true"}}', '{"ForAnyValue:Null": {"a:b": "true"}}',
	'{"Null": {"a:b": "maybe"}}', '{"Null": {"a:b": "${a:c}"}}', '{"Bool": {"a:b": "yes"}}', '{"Bool": {"a:b": 1}}',
	'{"NumericEquals": {"a:b": "x"}}', '{"NumericEquals": {"a:b": ""}}', '{"NumericEquals": {"a:b": true}}', '{"NumericEquals": {"a:b": "1e999"}}',
	'{"DateEquals": {"a:b": "yesterday"}}', '{"DateEquals": {"a:b": "2026-13-01"}}', '{"DateEquals": {"a:b": "2026-02-29"}}', '{"DateEquals": {"a:b": "2026-1-1"}}',
	'{"DateEquals": {"a:b": "2026-01-01T24:00:00Z"}}', '{"DateEquals": {"a:b": "2026-01-01T00:60Z"}}', '{"DateEquals": {"a:b": "2026-01-01T00:00:00.Z"}}',
	'{"DateEquals": {"a:b": "2026-01-01T00:00:00ZZ"}}', '{"DateEquals": {"a:b": "2026-01-01T00:00:00+1"}}', '{"DateEquals": {"a:b": "2026-01-01T"}}',
	'{"DateEquals": {"a:b": "99999999999999999999"}}', '{"DateEquals": {"a:b": ""}}', '{"DateEquals": {"a:b": "-"}}',
	'{"BinaryEquals": {"a:b": "%%"}}', '{"BinaryEquals": {"a:b": "QQ"}}',
	'{"IpAddress": {"a:b": "10.0.0.0/33"}}', '{"IpAddress": {"a:b": "10.0.0"}}', '{"IpAddress": {"a:b": "10.0.0.256"}}', '{"IpAddress": {"a:b": "10.0.0.0/"}}',
	'{"IpAddress": {"a:b": "10.0.0.0/-1"}}', '{"IpAddress": {"a:b": "10.0.0.0.0"}}', '{"IpAddress": {"a:b": "::/129"}}', '{"IpAddress": {"a:b": ":::"}}', '{"IpAddress": {"a:b": "1::2::3"}}',
	'{"IpAddress": {"a:b": "1:2:3:4:5:6:7"}}', '{"IpAddress": {"a:b": "1:2:3:4:5:6:7:8:9"}}', '{"IpAddress": {"a:b": "1:2:3:4:5:6:7:8::"}}', '{"IpAddress": {"a:b": "::12345"}}', '{"IpAddress": {"a:b": "1:2:"}}',
	'{"IpAddress": {"a:b": "*"}}', '{"IpAddress": {"a:b": ""}}',
	'{"ArnEquals": {"a:b": "x"}}', '{"ArnLike": {"a:b": ""}}', '{"ArnLike": {"a:b": "arn:aws:iam"}}',
	'{"StringLike": {"a:b": "${x"}}']) WITH ORDINALITY a(c, n)
	ORDER BY n;
SELECT number, pg_temp.decide(ARRAY[document], 'a:b', '*'), left(document, 160) FROM refusal ORDER BY number;

-- of resource policies
SELECT pg_temp.decide('{}', 'a:b', '*', '{}', '{"Version": "2012-10-17", "Statement": {' || s || '}}'), s
FROM unnest(ARRAY[
	'"Effect": "Allow", "Action": "*", "Resource": "*"',
	'"Effect": "Allow", "Action": "*", "Principal": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "x"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": []',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": []}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": {}}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"aws": "*"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "bob"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "00000000000"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::000000000000:user/*"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::000000000000:user/"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::000000000000:group/x"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "arn:aws:s3::000000000000:user/x"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::*:root"}',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*", "NotPrincipal": "*"',
	'"Effect": "Allow", "Action": "*", "Resource": "*", "NotPrincipal": "*"']) WITH ORDINALITY a(s, n)
ORDER BY n;

-- and what is not
SELECT pg_temp.decide(ARRAY[s], 'a:b', '*') FROM unnest(ARRAY[
	'{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
	E' {\n\t"Version": "2008-10-17", "Id": "any text: ü", "Statement": [{"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"}]} ']) s;

-- arguments
SELECT pg_temp.decide(NULL, 'a:b', '*'), pg_temp.decide('{}', NULL, '*'), pg_temp.decide('{}', 'a:b', NULL);
SELECT pg_temp.decide('{}', 'a:b', '*', NULL), pg_temp.decide(ARRAY[NULL], 'a:b', '*'), pg_temp.decide('{}', 'GetItem', '*');
SELECT pg_temp.decide('{}', 'a:b', '*', '[]'),
	pg_temp.decide(ARRAY[pg_temp.with_condition('Allow', '{"Bool": {"a:b": "true"}}')], 'a:b', '*', '{"a:b": {}}');

--
-- precedence, the statements that made the decision, what was missing
--
CREATE TEMP TABLE policy_text (name text, document text);
INSERT INTO policy_text VALUES
	('allow', '{"Version": "2012-10-17", "Statement": [
		{"Sid": "Reads", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": "*"},
		{"Effect": "Allow", "Action": "dynamodb:Get*", "Resource": "*"}]}'),
	('deny', '{"Version": "2012-10-17", "Statement": [
		{"Sid": "NoScan", "Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*"},
		{"Sid": "OnlyHere", "Effect": "Deny", "Action": "*", "Resource": "*",
			"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}'),
	('resource', '{"Version": "2012-10-17", "Statement": [
		{"Sid": "Bob", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/bob"}, "Action": "dynamodb:PutItem", "Resource": "*"},
		{"Effect": "Deny", "Principal": "*", "Action": "dynamodb:DeleteItem", "Resource": "*"}]}');
SELECT names, action, s.* FROM (VALUES
	(1, '{allow}'::text[], 'dynamodb:GetItem', '{"aws:SourceIp": "10.1.1.1"}'::jsonb, false),
	(2, '{allow}', 'dynamodb:Scan', '{}', false),
	(3, '{allow,deny}', 'dynamodb:GetItem', '{"aws:SourceIp": "10.1.1.1"}', false),
	(4, '{allow,deny}', 'dynamodb:GetItem', '{"aws:SourceIp": "11.1.1.1"}', false),
	(5, '{allow,deny}', 'dynamodb:GetItem', '{}', false),
	(6, '{deny,allow}', 'dynamodb:GetItem', '{"aws:SourceIp": null}', false),
	(7, '{deny}', 'dynamodb:Scan', '{}', false),
	(8, '{deny}', 'dynamodb:Scan', '{"aws:SourceIp": null}', false),
	(9, '{deny}', 'dynamodb:Scan', '{"aws:SourceIp": "10.1.1.1"}', false),
	(10, '{}', 'dynamodb:PutItem', '{}', true),
	(11, '{allow,deny}', 'dynamodb:PutItem', '{"aws:SourceIp": "10.1.1.1"}', true),
	(12, '{allow,deny}', 'dynamodb:PutItem', '{"aws:SourceIp": "11.1.1.1"}', true),
	(13, '{allow}', 'dynamodb:DeleteItem', '{}', true),
	(14, '{allow}', 'dynamodb:GetItem', '{}', true)) q(number, names, action, context, with_resource),
	LATERAL (SELECT coalesce(array_agg(document ORDER BY array_position(names, name)), '{}') AS documents
		FROM policy_text WHERE name = ANY (names)) d,
	LATERAL dynamo.simulate_custom_policy(documents, action, '*', context,
		CASE WHEN with_resource THEN (SELECT document FROM policy_text WHERE name = 'resource') END,
		'arn:aws:iam::000000000000:user/bob') s
ORDER BY number;
SELECT missing_context_values FROM dynamo.simulate_custom_policy(ARRAY['{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:dynamodb:*:*:table/${aws:username}", "Condition": {"Bool": {"x:never": "true"}}},
	{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:b": "x"}}},
	{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:prefix": "x"}}},
	{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"A:B": "x"}}},
	{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:c": "${a:d}"}}}]}'],
	'dynamodb:GetItem', 'arn:aws:dynamodb:us-east-1:000000000000:table/t', '{"a:c": "x"}');

--
-- scenarios
--
CREATE TEMP TABLE scenario (name text, policy text);
INSERT INTO scenario VALUES
	('own rows', '{"Version": "2012-10-17", "Statement": [{"Sid": "OwnRows", "Effect": "Allow",
		"Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
		"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/Scores",
		"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${www.amazon.com:user_id}"]}}}]}'),
	('own rows, some attributes', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
		"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/Scores",
		"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${www.amazon.com:user_id}"],
				"dynamodb:Attributes": ["UserId", "GameTitle", "Wins", "Losses"]},
			"StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]}}}]}'),
	('read only, no scan', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["dynamodb:Get*", "dynamodb:BatchGet*", "dynamodb:Query", "dynamodb:Describe*", "dynamodb:List*"], "Resource": "*"}]}'),
	('one index', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:Query",
		"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/Scores/index/TopScores",
		"Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["TopScore", "GameTitle"]},
			"StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}}}]}'),
	('no full scans', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Resource": "*", "Condition": {"Bool": {"dynamodb:FullTableScan": ["true"]}}},
		{"Effect": "Allow", "Action": ["dynamodb:PartiQL*"], "Resource": "arn:aws:dynamodb:*:*:table/Scores*"}]}'),
	('tagged', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
		{"Effect": "Deny", "Action": "dynamodb:TagResource", "Resource": "*", "Condition": {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["team", "env"]}}}]}'),
	('from the office by day', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*",
		"Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8:1234::/48"]},
			"DateGreaterThan": {"aws:CurrentTime": "2026-03-01T08:00:00Z"}, "DateLessThan": {"aws:CurrentTime": "2026-03-01T18:00:00Z"}}}]}'),
	('TLS', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},
		{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}'),
	('MFA', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},
		{"Effect": "Deny", "NotAction": ["dynamodb:Get*", "dynamodb:Query"], "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}]}'),
	('in transactions only', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:ConditionCheckItem"], "Resource": "*",
			"Condition": {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}}}]}'),
	('all but one table', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "dynamodb:*", "NotResource": ["arn:aws:dynamodb:*:*:table/Secrets", "arn:aws:dynamodb:*:*:table/Secrets/*"]}]}'),
	('a table of one''s own', '{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "dynamodb:*", "Resource": ["arn:aws:dynamodb:*:*:table/${aws:username}_*", "arn:aws:dynamodb:*:*:table/${aws:username}_*/index/*"]}]}');

CREATE TEMP TABLE asked (number serial, name text, action text, resource text, context jsonb);
INSERT INTO asked (name, action, resource, context) VALUES
	('own rows', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1"}'::jsonb),
	('own rows', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u2"], "www.amazon.com:user_id": "u1"}'),
	('own rows', 'BatchGetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1", "u1"], "www.amazon.com:user_id": "u1"}'),
	('own rows', 'BatchGetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1", "u2"], "www.amazon.com:user_id": "u1"}'),
	('own rows', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"]}'),
	('own rows', 'GetItem', 'Other', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1"}'),
	('own rows', 'Query', 'Scores/index/I', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1"}'),
	('own rows', 'Scan', 'Scores', '{"www.amazon.com:user_id": "u1"}'),
	('own rows, some attributes', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1", "dynamodb:Attributes": ["UserId", "Wins"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}'),
	('own rows, some attributes', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1", "dynamodb:Attributes": ["UserId", "Salary"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}'),
	('own rows, some attributes', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1", "dynamodb:Attributes": ["UserId"], "dynamodb:Select": "ALL_ATTRIBUTES"}'),
	('own rows, some attributes', 'UpdateItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1", "dynamodb:Attributes": ["UserId", "Wins"], "dynamodb:ReturnValues": "UPDATED_NEW"}'),
	('own rows, some attributes', 'UpdateItem', 'Scores', '{"dynamodb:LeadingKeys": ["u1"], "www.amazon.com:user_id": "u1", "dynamodb:Attributes": ["UserId", "Wins"], "dynamodb:ReturnValues": "ALL_OLD"}'),
	('own rows, some attributes', 'GetItem', 'Scores', '{"dynamodb:LeadingKeys": null, "www.amazon.com:user_id": "u1", "dynamodb:Attributes": null, "dynamodb:Select": null}'),
	('own rows, some attributes', 'DeleteItem', 'Scores', '{"dynamodb:LeadingKeys": null, "dynamodb:Attributes": null}'),
	('read only, no scan', 'GetItem', 'Scores', '{}'), ('read only, no scan', 'Query', 'Scores/index/I', '{}'),
	('read only, no scan', 'DescribeTable', 'Scores', '{}'), ('read only, no scan', 'Scan', 'Scores', '{}'),
	('read only, no scan', 'PutItem', 'Scores', '{}'),
	('one index', 'Query', 'Scores/index/TopScores', '{"dynamodb:Attributes": ["TopScore"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}'),
	('one index', 'Query', 'Scores/index/TopScores', '{"dynamodb:Attributes": ["TopScore", "UserId"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}'),
	('one index', 'Query', 'Scores/index/TopScores', '{"dynamodb:Select": "ALL_PROJECTED_ATTRIBUTES"}'),
	('one index', 'Query', 'Scores/index/TopScores', '{}'),
	('one index', 'Query', 'Scores', '{"dynamodb:Attributes": ["TopScore"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}'),
	('no full scans', 'PartiQLSelect', 'Scores', '{"dynamodb:FullTableScan": "true"}'),
	('no full scans', 'PartiQLSelect', 'Scores', '{"dynamodb:FullTableScan": "false"}'),
	('no full scans', 'PartiQLSelect', 'Scores', '{"dynamodb:FullTableScan": null}'),
	('no full scans', 'PartiQLInsert', 'Scores', '{}'), ('no full scans', 'PutItem', 'Scores', '{}'),
	('tagged', 'GetItem', 'Scores', '{"aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "red"}'),
	('tagged', 'GetItem', 'Scores', '{"aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "blue"}'),
	('tagged', 'GetItem', 'Scores', '{"aws:ResourceTag/team": "red"}'),
	('tagged', 'GetItem', 'Scores', '{"aws:PrincipalTag/team": "red"}'),
	('tagged', 'TagResource', 'Scores', '{"aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "red", "aws:TagKeys": ["env"]}'),
	('tagged', 'TagResource', 'Scores', '{"aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "red", "aws:TagKeys": ["env", "cost"]}'),
	('from the office by day', 'GetItem', 'Scores', '{"aws:SourceIp": "203.0.113.9", "aws:CurrentTime": "2026-03-01T12:00:00Z"}'),
	('from the office by day', 'GetItem', 'Scores', '{"aws:SourceIp": "2001:db8:1234:1::9", "aws:CurrentTime": "2026-03-01T12:00:00Z"}'),
	('from the office by day', 'GetItem', 'Scores', '{"aws:SourceIp": "203.0.112.9", "aws:CurrentTime": "2026-03-01T12:00:00Z"}'),
	('from the office by day', 'GetItem', 'Scores', '{"aws:SourceIp": "203.0.113.9", "aws:CurrentTime": "2026-03-01T18:00:00Z"}'),
	('from the office by day', 'GetItem', 'Scores', '{"aws:CurrentTime": "2026-03-01T12:00:00Z"}'),
	('TLS', 'GetItem', 'Scores', '{"aws:SecureTransport": "true"}'), ('TLS', 'GetItem', 'Scores', '{"aws:SecureTransport": "false"}'),
	('TLS', 'GetItem', 'Scores', '{}'),
	('MFA', 'GetItem', 'Scores', '{}'), ('MFA', 'PutItem', 'Scores', '{}'),
	('MFA', 'PutItem', 'Scores', '{"aws:MultiFactorAuthPresent": "true"}'), ('MFA', 'PutItem', 'Scores', '{"aws:MultiFactorAuthPresent": "false"}'),
	('in transactions only', 'PutItem', 'Scores', '{"dynamodb:EnclosingOperation": "TransactWriteItems"}'),
	('in transactions only', 'PutItem', 'Scores', '{"dynamodb:EnclosingOperation": "BatchWriteItem"}'),
	('in transactions only', 'PutItem', 'Scores', '{}'),
	('all but one table', 'GetItem', 'Scores', '{}'), ('all but one table', 'GetItem', 'Secrets', '{}'),
	('all but one table', 'Query', 'Secrets/index/I', '{}'), ('all but one table', 'GetItem', 'Secrets2', '{}'),
	('a table of one''s own', 'GetItem', 'bob_1', '{"aws:username": "bob"}'),
	('a table of one''s own', 'Query', 'bob_1/index/I', '{"aws:username": "bob"}'),
	('a table of one''s own', 'GetItem', 'bobby_1', '{"aws:username": "bob"}'),
	('a table of one''s own', 'GetItem', 'bob_1', '{"aws:username": "*"}'),
	('a table of one''s own', 'GetItem', 'bob_1', '{}');
SELECT a.name, action, resource, context, pg_temp.decide(ARRAY[policy], 'dynamodb:' || action,
	'arn:aws:dynamodb:us-east-1:000000000000:table/' || resource, context) AS decision
FROM asked a JOIN scenario s ON s.name = a.name ORDER BY number;

--
-- documents made to hurt: refused, or done in no time
--
SET statement_timeout = '20s';
SELECT left(pg_temp.decide(ARRAY[repeat(' ', 20480 - 66) || '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'], 'a:b', '*'), 100);
SELECT left(pg_temp.decide(ARRAY[repeat(' ', 20481 - 66) || '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'], 'a:b', '*'), 100);
SELECT name, left(pg_temp.decide(ARRAY[document], 'dynamodb:' || repeat('Get', 50), 'arn:aws:dynamodb:us-east-1:000000000000:table/' || repeat('a', 2000),
		jsonb_build_object('a:b', repeat('a', 2000), 'a:c', (SELECT jsonb_agg(repeat('a', 60) || i) FROM generate_series(1, 500) i), 'a:v', repeat('v', 2000))), 120)
FROM (VALUES
	('deep', repeat('[', 10000) || repeat(']', 10000)),
	('deep objects', repeat('{"a":', 500) || '1' || repeat('}', 500)),
	('deep statement', '{"Statement": ' || repeat('[', 400) || repeat(']', 400) || '}'),
	('not closed', repeat('{"a":', 4000)),
	('many names', '{' || (SELECT string_agg('"' || i || '":1', ',') FROM generate_series(1, 2000) i) || '}'),
	('long name', '{"' || repeat('ä', 9000) || '": 1}'),
	('long action', pg_temp.allowing('"Resource": "*", "Action": "dynamodb:' || repeat('*', 20000) || '"')),
	('stars and letters', pg_temp.allowing('"Resource": "*", "Action": "dynamodb:' || repeat('*e', 9000) || 'x"')),
	('stars', pg_temp.allowing('"Action": "*", "Resource": "arn:aws:dynamodb:*:*:' || repeat('*', 20000) || '"')),
	('stars in vain', pg_temp.allowing('"Action": "*", "Resource": "arn:aws:dynamodb:*:*:' || repeat('*a', 950) || 'b"')),
	('stars in vain, long', pg_temp.allowing('"Action": "*", "Resource": "arn:aws:dynamodb:*:*:*' || repeat('a', 1900) || 'b*' || repeat('a', 1900) || 'b"')),
	('question marks', pg_temp.allowing('"Action": "*", "Resource": "arn:aws:dynamodb:*:*:*' || repeat('?', 1900) || 'b"')),
	('likes', pg_temp.with_condition('Allow', '{"StringLike": {"a:b": [' || (SELECT string_agg('"*' || repeat('a', 90) || 'b"', ',') FROM generate_series(1, 200)) || ']}}')),
	('sets', pg_temp.with_condition('Allow', '{"ForAllValues:StringLike": {"a:c": [' || (SELECT string_agg('"*aaaaa*b"', ',') FROM generate_series(1, 1600)) || ',"*"]}}')),
	('variables', pg_temp.with_condition('Allow', '{"StringEquals": {"a:b": "' || repeat('${a:v}', 3300) || '"}}')),
	('variables of a set', pg_temp.with_condition('Deny', '{"ForAllValues:StringEquals": {"a:c": "' || repeat('${a:v}', 100) || '"}}')),
	('variables that are none', pg_temp.with_condition('Allow', '{"StringEquals": {"a:b": "' || repeat('${a:', 5000) || '"}}')),
	('fallbacks without an end', pg_temp.allowing('"Action": "*", "Resource": "arn:aws:dynamodb:*:*:' || repeat('${a:,''', 3300) || '"')),
	('colons', pg_temp.allowing('"Action": "*", "Resource": "arn' || repeat(':', 20000) || '"')),
	('statements', '{"Statement": [' || (SELECT string_agg('{"Effect":"Deny","Action":"a:b","Resource":"*","Sid":"' || i || '"}', ',') FROM generate_series(1, 340) i) || ']}'),
	('actions', pg_temp.allowing('"Resource": "*", "Action": [' || (SELECT string_agg('"a:*z"', ',') FROM generate_series(1, 2800) i) || ']')),
	('resources', pg_temp.allowing('"Action": "*", "Resource": [' || (SELECT string_agg('"arn:a:b:*"', ',') FROM generate_series(1, 1600) i) || ']')),
	('keys', pg_temp.with_condition('Deny', '{"Null": {' || (SELECT string_agg('"a:k' || i || '":true', ',') FROM generate_series(1, 1200) i) || '}}')),
	('numbers', pg_temp.with_condition('Deny', '{"NumericEquals": {"a:b": 1' || repeat('0', 20000) || '}}'))) h(name, document);
RESET statement_timeout;
