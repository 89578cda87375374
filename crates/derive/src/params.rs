//! `#[derive(Params)]`.

use crate::{crate_path, mentions};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use std::collections::HashSet;
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Fields, GenericArgument, GenericParam, Ident, Index, Member, Path, PathArguments, Type,
    parse_quote,
};

/// The role of a field in the model.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Leaf,
    /// `Option<P>`
    OptionalLeaf,
    /// `Vec<P>`
    LeafList,
    /// `[P; N]`
    LeafArray,
    Child,
    Configuration,
}

/// A field of the model.
struct Field<'a> {
    member: Member,
    ty: &'a Type,
    kind: Kind,
    is_buffer: bool,
}

impl Field<'_> {
    /// The field's path, where `path` is that of the model.
    fn path(&self, root: &Path) -> TokenStream {
        let segment = segment(&self.member, root);
        if self.is_buffer { quote!(path.join_buffer(#segment)) } else { quote!(path.join(#segment)) }
    }
}

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "Params can be derived for structs only"));
    };
    let root = crate_path(input)?;
    let parameters: Vec<&Ident> = input.generics.type_params().map(|p| &p.ident).collect();
    let leaf = parameters.iter().copied().find(|p| *p == "P");

    let mut fields = Vec::new();
    for (i, field) in data.fields.iter().enumerate() {
        let member = field.ident.clone().map_or(Member::Unnamed(Index::from(i)), Member::Named);
        let attribute = attribute(field)?;
        let kind = match attribute {
            Some(Attribute::Skip) => Kind::Configuration,
            _ => kind_of(&field.ty, &parameters),
        };
        let is_buffer = attribute == Some(Attribute::Buffer);
        if is_buffer && kind == Kind::Configuration {
            return Err(syn::Error::new_spanned(&field.ty, "a buffer holds leaves: its type mentions `P`"));
        }
        fields.push(Field { member, ty: &field.ty, kind, is_buffer });
    }
    // A type parameter that names a child model changes with the leaf; one seen only in
    // configuration stays.
    let children: HashSet<&Ident> = fields
        .iter()
        .filter(|field| field.kind == Kind::Child)
        .flat_map(|Field { ty, .. }| parameters.iter().copied().filter(|p| Some(*p) != leaf && mentions(ty, &[*p])))
        .collect();

    let name = &input.ident;
    let p = leaf.cloned().unwrap_or_else(|| format_ident!("__P"));
    let mut generics = input.generics.clone();
    if leaf.is_none() {
        generics.params.push(parse_quote!(#p));
    }
    for parameter in generics.type_params_mut() {
        if children.contains(&parameter.ident) {
            parameter.bounds.push(parse_quote!(#root::Params<#p>));
        }
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    let with = input.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(t) if Some(&t.ident) == leaf => quote!(__Q),
        GenericParam::Type(t) if children.contains(&t.ident) => {
            let t = &t.ident;
            quote!(<#t as #root::Params<#p>>::With<__Q>)
        }
        GenericParam::Type(t) => {
            let t = &t.ident;
            quote!(#t)
        }
        GenericParam::Lifetime(l) => {
            let l = &l.lifetime;
            quote!(#l)
        }
        GenericParam::Const(c) => {
            let c = &c.ident;
            quote!(#c)
        }
    });

    let index = quote!(#root::Segment::Index(i));
    let mapped = fields.iter().map(|field| {
        let (Field { member, ty, kind, .. }, path) = (field, field.path(&root));
        let value = match kind {
            Kind::Leaf => quote!(f(#path, &self.#member)),
            Kind::OptionalLeaf => quote!(self.#member.as_ref().map(|leaf| f(#path, leaf))),
            Kind::LeafList => quote! {
                self.#member.iter().enumerate().map(|(i, leaf)| f(#path.join(#index), leaf)).collect()
            },
            Kind::LeafArray => quote! {
                ::core::array::from_fn(|i| f(#path.join(#index), &self.#member[i]))
            },
            Kind::Child => quote_spanned! {location_of(ty)=>
                #root::Params::<#p>::map_leaves(&self.#member, #path, f)
            },
            Kind::Configuration => quote!(::core::clone::Clone::clone(&self.#member)),
        };
        quote!(#member: #value)
    });
    let visits = |reference: TokenStream, method: TokenStream| -> Vec<TokenStream> {
        let visit = |field: &Field<'_>| {
            let (Field { member, ty, kind, .. }, path) = (field, field.path(&root));
            match kind {
                Kind::Leaf => quote!(f(#path, #reference self.#member);),
                Kind::OptionalLeaf => quote! {
                    if let ::core::option::Option::Some(leaf) = #reference self.#member {
                        f(#path, leaf);
                    }
                },
                Kind::LeafList | Kind::LeafArray => quote! {
                    for (i, leaf) in (#reference self.#member).into_iter().enumerate() {
                        f(#path.join(#index), leaf);
                    }
                },
                Kind::Child => quote_spanned! {location_of(ty)=>
                    #root::Params::<#p>::#method(#reference self.#member, #path, f);
                },
                Kind::Configuration => TokenStream::new(),
            }
        };
        fields.iter().map(visit).collect()
    };
    let visited = visits(quote!(&), quote!(visit_leaves));
    let visited_mut = visits(quote!(&mut), quote!(visit_leaves_mut));
    let construct = match data.fields {
        Fields::Unit => quote!(#name),
        _ => quote!(#name { #(#mapped),* }),
    };

    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #impl_generics #root::Params<#p> for #name #type_generics #where_clause {
            type With<__Q> = #name<#(#with),*>;

            fn map_leaves<__Q>(
                &self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &#p) -> __Q,
            ) -> Self::With<__Q> {
                #construct
            }

            fn visit_leaves<'__a>(
                &'__a self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &'__a #p),
            ) where #p: '__a {
                #(#visited)*
            }

            fn visit_leaves_mut<'__a>(
                &'__a mut self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &'__a mut #p),
            ) where #p: '__a {
                #(#visited_mut)*
            }
        }
    })
}

/// The location of a field, so that an error points there if its type is not a model. Names are
/// still resolved where the derive is: a type passed through a macro would not see `self`.
fn location_of(ty: &Type) -> Span {
    Span::call_site().located_at(ty.span())
}

/// The path segment of a field, for the leaf's dotted name.
fn segment(member: &Member, root: &Path) -> TokenStream {
    match member {
        Member::Named(name) => {
            let name = name.to_string();
            let name = name.trim_start_matches("r#");
            quote!(#root::Segment::Field(#name))
        }
        Member::Unnamed(index) => {
            let index = index.index as usize;
            quote!(#root::Segment::Index(#index))
        }
    }
}

fn kind_of(ty: &Type, parameters: &[&Ident]) -> Kind {
    // A type that is passed through a macro comes in a group.
    let bare = |ty: &Type| -> Type {
        match ty {
            Type::Group(group) => (*group.elem).clone(),
            Type::Paren(paren) => (*paren.elem).clone(),
            _ => ty.clone(),
        }
    };
    let ty = &bare(ty);
    let is_leaf = |ty: &Type| matches!(bare(ty), Type::Path(path) if path.path.is_ident("P"));
    if !mentions(ty, parameters) {
        return Kind::Configuration;
    }
    match ty {
        ty if is_leaf(ty) => Kind::Leaf,
        Type::Array(array) if is_leaf(&array.elem) => Kind::LeafArray,
        Type::Path(path) => {
            let last = path.path.segments.last().expect("a path has a segment");
            let of_leaf = matches!(&last.arguments, PathArguments::AngleBracketed(of)
                if matches!(of.args.first(), Some(GenericArgument::Type(ty)) if of.args.len() == 1 && is_leaf(ty)));
            match last.ident.to_string().as_str() {
                "Option" if of_leaf => Kind::OptionalLeaf,
                "Vec" if of_leaf => Kind::LeafList,
                _ => Kind::Child,
            }
        }
        _ => Kind::Child,
    }
}

/// What `#[params(..)]` makes of a field.
#[derive(Clone, Copy, PartialEq)]
enum Attribute {
    Skip,
    Buffer,
}

fn attribute(field: &syn::Field) -> syn::Result<Option<Attribute>> {
    let mut found = None;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("params")) {
        attribute.parse_nested_meta(|meta| {
            let new = if meta.path.is_ident("skip") {
                Attribute::Skip
            } else if meta.path.is_ident("buffer") {
                Attribute::Buffer
            } else {
                return Err(meta.error("expected `skip` or `buffer`"));
            };
            if found.replace(new).is_some_and(|other| other != new) {
                return Err(meta.error("a field is either `skip` or `buffer`"));
            }
            Ok(())
        })?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::expand;
    use syn::parse_quote;

    #[test]
    fn a_wrong_attribute_states_what_is_expected() {
        let sentence = |input| expand(&input).unwrap_err().to_string();
        let model = sentence(parse_quote! { struct Model<P> { #[params(frozen)] mean: P } });
        assert_eq!(model, "expected `skip` or `buffer`");
        let model = sentence(parse_quote! { struct Model<P> { #[params(skip, buffer)] mean: P } });
        assert_eq!(model, "a field is either `skip` or `buffer`");
        let model = sentence(parse_quote! { struct Model<P> { weight: P, #[params(buffer)] size: usize } });
        assert_eq!(model, "a buffer holds leaves: its type mentions `P`");
        let model = sentence(parse_quote! { enum Model<P> { Leaf(P) } });
        assert_eq!(model, "Params can be derived for structs only");
    }
}
