//! `#[derive(Params)]`: see the trait `Params` in `unspool-autograd`, or `unspool::Params`.

#![forbid(unsafe_code)]

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::collections::HashSet;
use syn::visit::Visit;
use syn::{Data, DeriveInput, Fields, GenericParam, Ident, Index, Member, Path, Type, parse_quote};

/// Derives `Params` for a struct that is generic in its leaf.
///
/// The field types say what each field is:
/// - `P`: a leaf, a parameter tensor. The struct's leaf type parameter is the one named `P`.
/// - a type that mentions `P`, or another type parameter of the struct: a child model.
/// - anything else: configuration, cloned as it is.
///
/// `#[params(skip)]` on a field makes it configuration whatever its type. `#[params(crate = path)]` on the
/// struct names the crate that holds the `Params` trait, where that is not `::unspool`.
#[proc_macro_derive(Params, attributes(params))]
pub fn derive_params(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// What a field is to the model.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Leaf,
    Child,
    Configuration,
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "Params can be derived for structs only"));
    };
    let root = crate_path(input)?;
    let parameters: Vec<&Ident> = input.generics.type_params().map(|p| &p.ident).collect();
    let leaf = parameters.iter().copied().find(|p| *p == "P");

    let mut fields = Vec::new();
    for (i, field) in data.fields.iter().enumerate() {
        let member = field.ident.clone().map_or(Member::Unnamed(Index::from(i)), Member::Named);
        let kind = if has_skip(field)? { Kind::Configuration } else { kind_of(&field.ty, &parameters) };
        fields.push((member, &field.ty, kind));
    }
    // A type parameter that names a child model changes with the leaf; one seen only in configuration stays.
    let children: HashSet<&Ident> = fields
        .iter()
        .filter(|(_, _, kind)| *kind == Kind::Child)
        .flat_map(|(_, ty, _)| parameters.iter().copied().filter(|p| Some(*p) != leaf && mentions(ty, &[*p])))
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

    let trait_ = quote!(#root::Params::<#p>);
    let mapped = fields.iter().map(|(member, _, kind)| {
        let segment = segment(member, &root);
        let value = match kind {
            Kind::Leaf => quote!(f(path.join(#segment), &self.#member)),
            Kind::Child => quote!(#trait_::map_leaves(&self.#member, path.join(#segment), f)),
            Kind::Configuration => quote!(::core::clone::Clone::clone(&self.#member)),
        };
        quote!(#member: #value)
    });
    let visits = |reference: TokenStream, method: TokenStream| -> Vec<TokenStream> {
        let visit = |(member, _, kind): &(Member, &Type, Kind)| {
            let segment = segment(member, &root);
            match kind {
                Kind::Leaf => quote!(f(path.join(#segment), #reference self.#member);),
                Kind::Child => quote!(#trait_::#method(#reference self.#member, path.join(#segment), f);),
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
    if !mentions(ty, parameters) {
        return Kind::Configuration;
    }
    match ty {
        Type::Path(path) if path.path.is_ident("P") => Kind::Leaf,
        _ => Kind::Child,
    }
}

/// Whether `ty` mentions one of the type parameters.
fn mentions(ty: &Type, parameters: &[&Ident]) -> bool {
    struct Finder<'a> {
        parameters: &'a [&'a Ident],
        found: bool,
    }
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            self.found |= self.parameters.contains(&ident);
        }
    }
    let mut finder = Finder { parameters, found: false };
    finder.visit_type(ty);
    finder.found
}

/// `#[params(skip)]` on a field.
fn has_skip(field: &syn::Field) -> syn::Result<bool> {
    let mut skip = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("params")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                skip = true;
                Ok(())
            } else {
                Err(meta.error("expected `skip`"))
            }
        })?;
    }
    Ok(skip)
}

/// `#[params(crate = path)]` on the struct, or `::unspool`.
fn crate_path(input: &DeriveInput) -> syn::Result<Path> {
    let mut path = parse_quote!(::unspool);
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("params")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                path = meta.value()?.parse()?;
                Ok(())
            } else {
                Err(meta.error("expected `crate = path`"))
            }
        })?;
    }
    Ok(path)
}
