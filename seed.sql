-- Demo data: three assets, and Alice and Bob with a wallet in each. Everything goes through the functions: the opening balances are
-- real postings, and each call has a name or an idempotency key, so that running this file again changes nothing.

SELECT wallet.create_asset_type('GC', 'Gold Coins', 'Earned and bought in the game.');
SELECT wallet.create_asset_type('DM', 'Diamonds', 'Premium currency.');
SELECT wallet.create_asset_type('LP', 'Loyalty Points', 'Collected with every purchase.');

SELECT
    o.owner,
    t.symbol,
    wallet.create_account(
        p_name => o.owner,
        p_asset_type_id => t.id,
        p_external_id => format('USER_%s_%s', upper(o.owner), t.symbol),
        p_email => lower(o.owner) || '@example.com',
        p_idempotency_key => format('seed:account:%s:%s', lower(o.owner), t.symbol)
    ) AS account
FROM (VALUES ('Alice'), ('Bob')) AS o (owner)
CROSS JOIN wallet.asset_types AS t
WHERE t.symbol IN ('GC', 'DM', 'LP')
ORDER BY o.owner, t.symbol;

SELECT
    b.external_id,
    wallet.top_up(
        p_account_id => a.id,
        p_asset_type_id => a.asset_type_id,
        p_amount => b.amount,
        p_idempotency_key => 'seed:opening:' || b.external_id,
        p_description => 'Opening balance'
    ) AS transaction
FROM (
    VALUES
    ('USER_ALICE_GC', 1000), ('USER_ALICE_DM', 50), ('USER_ALICE_LP', 500),
    ('USER_BOB_GC', 500), ('USER_BOB_DM', 25), ('USER_BOB_LP', 200)
) AS b (external_id, amount)
INNER JOIN wallet.accounts AS a ON b.external_id = a.external_id;
