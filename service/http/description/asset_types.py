"""Asset types: listing, making and changing them."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from service.http.changes import AssetTypeBody, ChangeAssetTypeBody
from service.http.description.accounts import Change
from service.http.description.operation import Operation
from service.http.fields import Id, Instant

_TAG: Final = "Asset types"


class AssetType(msgspec.Struct, rename="camel"):
    """An asset that is posted in."""

    id: Id
    name: Annotated[str, Meta(examples=["Gold Coins"])]
    symbol: Annotated[str, Meta(examples=["GC"])]
    description: str | None
    decimals: Annotated[int, Meta(ge=0, le=4, description="Digits after the point that an amount may have.")]
    is_active: Annotated[bool, Meta(examples=[True])]
    created_at: Instant
    updated_at: Instant


OPERATIONS: Final = {
    "GET /asset-types": Operation(
        summary="All asset types", tag=_TAG, description="By symbol.", answer=list[AssetType]
    ),
    "POST /asset-types": Operation(
        summary="Make an asset type",
        tag=_TAG,
        description="With its treasury and its revenue account. `decimals` can never be changed.",
        answer=AssetType,
        status=201,
        body=AssetTypeBody,
        key="optional",
        codes=("asset_forbidden", "symbol_taken", "external_id_taken"),
    ),
    "PATCH /asset-types/{id}": Operation(
        summary="Rename an asset type, or switch it off and on",
        tag=_TAG,
        description="Only the fields that are sent are changed.",
        answer=AssetType,
        body=ChangeAssetTypeBody,
        key="optional",
        codes=("asset_type_not_found", "asset_forbidden"),
    ),
    "GET /asset-types/{id}/history": Operation(
        summary="An asset type's changes",
        tag=_TAG,
        description="Newest first.",
        answer=Change,
        paging="page",
        codes=("asset_type_not_found", "asset_forbidden"),
    ),
}
