"""What can be asked of a wallet: each call once, as steps (see `wallet_client.exchange`), for both flavours.

The first parameter says how long a call may take. A list takes the place where a page begins besides, empty for the
first one; its rows come newest first unless it says otherwise.
"""
